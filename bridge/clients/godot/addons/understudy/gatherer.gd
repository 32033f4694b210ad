## The datagrams of one VMC sender, gathered into frames.
##
## Senders differ in what ends a frame: some send the time last, some first, some never. Where the
## time comes last in its datagram it ends the frame; else a frame is whole when every bone of the
## frame before has come again, and a bone that comes twice begins a new one. What is gathered is
## bounded: a stranger's stream of new names must not fill the memory.
extends RefCounted

const Frame := preload("frame.gd")
const Osc := preload("osc.gd")
const Space := preload("space.gd")

const MOST_BONES := 128
const MOST_SHAPES := 1024
const MOST_TRACKERS := 64
const LONGEST_NAME := 128
const KEPT_FRAMES := 30  # a lost bone keeps its value, one that is sent no longer is dropped
const LONGEST_CLOCK_S := 16384.0  # a float of 32 bits tells milliseconds up to here
const LARGEST := 1.0e6  # metres; what is beyond is no place
const ROOT := "/VMC/Ext/Root/Pos"
const BONE := "/VMC/Ext/Bone/Pos"
const TIME := "/VMC/Ext/T"
const STATE := "/VMC/Ext/OK"
const SHAPE := "/VMC/Ext/Blend/Val"
const CAMERA := "/VMC/Ext/Cam"
const APPLY := "/VMC/Ext/Blend/Apply"
const TRACKERS := ["/VMC/Ext/Tra/Pos", "/VMC/Ext/Con/Pos", "/VMC/Ext/Hmd/Pos"]

## Why the last datagram, or a message of it, was left out; empty where nothing was.
var fault := ""
## Whether the last datagram had anything of VMC's in it.
var known := false

var _osc := Osc.new()
var _positions := {}
var _rotations := {}
var _fresh := {}
var _missed := {}
var _expected := {}
var _staged := {}
var _shapes := {}
var _trackers := {}
var _root := Transform3D.IDENTITY
var _camera_name := ""
var _camera := Transform3D.IDENTITY
var _fov_deg := 40.0
var _tracking := true
var _position := Vector3.ZERO  # of the message at hand, in Unity's axes
var _rotation := Quaternion.IDENTITY
var _time_s := NAN
var _time_ends := false


## Takes a datagram; gives the frames that it completes, as a rule none or one.
func feed(datagram: PackedByteArray, now_s: float) -> Array[Frame]:
	var done: Array[Frame] = []
	known = false
	fault = ""
	if not _osc.read(datagram):
		fault = _osc.fault
		return done
	var messages := _osc.messages
	if messages.size() > 1 and TIME in [messages[0][0], messages[-1][0]]:
		_time_ends = messages[-1][0] == TIME
	var timed := false
	var applied := false
	for message in messages:
		var address: String = message[0]
		if address == BONE and message.size() > 2 and _fresh.has(message[2]):
			_expected = _fresh
			done.append(_give(now_s))
		if _take(address, message):
			known = true
			timed = timed or address == TIME
			applied = applied or address == APPLY
	var ended := (
		timed if _time_ends else not _expected.is_empty() and _fresh.has_all(_expected.keys())
	)
	var faceless := _positions.is_empty() and applied  # a face, a camera or props without a body
	if (not _fresh.is_empty() and ended) or faceless:
		done.append(_give(now_s))
	return done


## Takes a message in; false where it is none of ours or not as specified.
func _take(address: String, message: Array) -> bool:
	var taken := true
	match address:
		BONE:
			taken = _take_bone(message)
		ROOT:
			taken = _take_root(message)
		TIME:
			taken = _take_time(message)
		STATE:
			taken = _take_state(message)
		SHAPE:
			taken = _take_shape(message)
		APPLY:
			_shapes = _staged
			_staged = {}
		CAMERA:
			taken = _take_camera(message)
		_:
			taken = address in TRACKERS and _take_tracker(message)
	return taken


func _take_root(message: Array) -> bool:
	if not _is_pose(message):
		return false
	_root = _place()
	return true


func _take_time(message: Array) -> bool:
	if not _are_numbers(message, 2, 3):
		return _wrong(message)
	_time_s = message[2]
	return true


func _take_state(message: Array) -> bool:
	if not _are_numbers(message, 2, 3):
		return _wrong(message)
	_tracking = message[2] != 0.0
	if _are_numbers(message, 5, 6):
		_tracking = _tracking and message[5] != 0.0
	return true


func _take_bone(message: Array) -> bool:
	if not _is_pose(message):
		return false
	var bone: String = message[2]
	if bone == "root":  # for receivers that read no other root
		_root = _place()
	elif _has_room(_positions, bone, MOST_BONES):
		_positions[bone] = Space.position(_position)
		_rotations[bone] = Space.rotation(_rotation)
		_fresh[bone] = true
	return true


func _take_shape(message: Array) -> bool:
	if not _is_named(message) or not _are_numbers(message, 3, 4):
		return _wrong(message)
	var shape: String = message[2]
	if _has_room(_staged, shape, MOST_SHAPES):
		_staged[shape] = clampf(message[3], -10.0, 10.0)
	return true


func _take_camera(message: Array) -> bool:
	if not _is_pose(message):
		return false
	if not _are_numbers(message, 10, 11):
		return _wrong(message)
	_camera_name = (message[2] as String).left(LONGEST_NAME)
	_camera = Transform3D(Basis(Space.camera_rotation(_rotation)), Space.position(_position))
	_fov_deg = clampf(message[10], 1.0, 179.0)  # what a Camera3D takes
	return true


func _take_tracker(message: Array) -> bool:
	if not _is_pose(message):
		return false
	var serial: String = message[2]
	if _has_room(_trackers, serial, MOST_TRACKERS):
		_trackers[serial] = _place()
	return true


func _has_room(there: Dictionary, name: String, most: int) -> bool:
	if there.has(name) or (there.size() < most and name.length() <= LONGEST_NAME):
		return true
	fault = "More than %d names, or one of more than %d letters." % [most, LONGEST_NAME]
	return false


func _give(now_s: float) -> Frame:
	_drop_bones()
	var frame := Frame.new()
	frame.stamp_s = _time_s if absf(_time_s) < LONGEST_CLOCK_S else now_s
	frame.positions = _positions.duplicate()
	frame.rotations = _rotations.duplicate()
	frame.root = _root
	frame.shapes = _shapes.duplicate()
	frame.camera_name = _camera_name
	frame.camera = _camera
	frame.fov_deg = _fov_deg
	frame.trackers = _trackers.duplicate()
	frame.tracking = _tracking
	_fresh = {}
	return frame


func _drop_bones() -> void:
	if _fresh.size() == _positions.size():
		_missed.clear()
		return
	for bone: String in _positions.keys():
		_missed[bone] = 0 if _fresh.has(bone) else _missed.get(bone, 0) + 1
		if _missed[bone] > KEPT_FRAMES:
			_positions.erase(bone)
			_rotations.erase(bone)
			_missed.erase(bone)


## Whether a message has a name, a position and a rotation; the two are kept for who asked.
func _is_pose(message: Array) -> bool:
	var types: String = message[1]
	if not types.begins_with("sfffffff"):
		# Libraries that choose types by themselves send whole numbers where they can.
		if not _is_named(message) or not _are_numbers(message, 3, 10):
			return _wrong(message)
	_position = Vector3(message[3], message[4], message[5])
	_rotation = Quaternion(message[6], message[7], message[8], message[9])
	var square := _rotation.length_squared()
	if not (_position.length_squared() < LARGEST * LARGEST and square > 1.0e-6 and square < 1.0e6):
		return _wrong(message)  # also where one of them is no number
	return true


func _is_named(message: Array) -> bool:
	return message.size() > 2 and message[2] is String


## Whether these arguments are numbers; whole ones and truths are made floats.
func _are_numbers(message: Array, from: int, to: int) -> bool:
	if message.size() < to:
		return false
	for i in range(from, to):
		var value: Variant = message[i]
		if value is int or value is bool:
			message[i] = float(value)
		elif not value is float or not is_finite(value as float):
			return false
	return true


func _wrong(message: Array) -> bool:
	fault = "%s is not as VMC has it." % (message[0] as String).left(40)
	return false


func _place() -> Transform3D:
	return Transform3D(Basis(Space.rotation(_rotation)), Space.position(_position))
