## A VMC stream on a character, a camera and props: the node that a scene has one of per stream.
##
## Give it a Skeleton3D and start `understudy send --to 'vmc://127.0.0.1:39539'`. Bad datagrams are
## counted and left out; silence is a state, not an error.
extends Node3D

## The stream runs and somebody, a source or the network, moves the body.
signal live
## Nobody moves the body any more, or nothing comes.
signal lost
signal state_changed(state: State)
## After the scene was posed, every picture while there is a stream.
signal frame_shown(frame: RefCounted)

## WAITING: nothing came yet. HELD: datagrams come, but the sender says that nobody moves the body.
## LOST: nothing has come for `lost_after_s`.
enum State { WAITING, LIVE, HELD, LOST }

const BlendShapes := preload("blend_shapes.gd")
const Frame := preload("frame.gd")
const Gatherer := preload("gatherer.gd")
const Playhead := preload("playhead.gd")
const Rig := preload("rig.gd")
const UdpSocket := preload("udp_socket.gd")

const MOST_A_PICTURE := 4096  # datagrams; a flood must not stop the scene
const RETRY_S := 1.0

@export_group("Stream")
@export_range(1, 65535) var port := 39539
## Which of this machine's addresses listens: 127.0.0.1 hears this machine only, * all networks.
@export var bind_address := "127.0.0.1"
## Silence of this length is a lost stream; then another sender may begin.
@export_range(0.05, 10.0, 0.05, "suffix:s") var lost_after_s := 0.5
## Show what lies between two frames when the renderer is faster than the stream, one frame late.
@export var interpolate := true

@export_group("Scene")
## The character; its rest should be a T-pose, facing +Z.
@export var skeleton: Skeleton3D:
	set(value):
		skeleton = value
		_rig = null
		_shapes = null
## VMC's bone -> name of the skeleton's bone, for those that are not found by their names.
@export var bone_names := {}:
	set(value):
		bone_names = value
		_rig = null
## How far the hips travel for a metre of the performer's; 0: as the lengths of the legs say.
@export_range(0.0, 10.0) var hips_scale := 0.0
@export var camera: Camera3D
## Trackers move the children of this node that have their names.
@export var props: Node3D

var state := State.WAITING
## Why the port is not open, a sentence; empty where it is.
var problem := ""
## What was wrong with the last datagram that was left out.
var last_fault := ""
## Address and port of whom the receiver listens to; the first that comes, until it is silent.
var sender := ""
## Frames a second, measured.
var rate_hz: float:
	get:
		return 1.0 / _playhead.interval_s if _playhead.interval_s > 0.0 else 0.0
## Since the last datagram; infinite before the first.
var silence_s: float:
	get:
		return _now_s() - _heard_s
var frames := 0
var datagrams := 0
var malformed := 0
## Datagrams of others while one sender is listened to.
var strangers := 0
## The frame that is shown, as frame.gd has it; null before the first.
var shown: Frame
## Has open, close, next, datagram and sender; put in another for another transport.
var socket: RefCounted = UdpSocket.new()

var _gatherer := Gatherer.new()
var _playhead := Playhead.new()
var _rig: Rig
var _shapes: BlendShapes
var _heard_s := -INF
var _retry_s := -INF
var _is_open := false


func _exit_tree() -> void:
	socket.close()
	_is_open = false


func _process(delta_s: float) -> void:
	var now_s := _now_s()
	if not _is_open:
		_open(now_s)
	if _is_open:
		_drain(now_s)
	_judge(now_s)
	if state != State.LOST:
		shown = _playhead.at(now_s, delta_s, interpolate)
		if shown:
			_show()


## What the state is, for a label: `live, 60 frames/s` or why there is nothing.
func summary() -> String:
	if problem:
		return problem
	match state:
		State.WAITING:
			return "waiting for VMC at port %d" % port
		State.LOST:
			return "lost, nothing for %.1f s" % silence_s
	var said := "live" if state == State.LIVE else "held"
	said += ", %.0f frames/s from %s" % [rate_hz, sender]
	if malformed:
		said += ", %d malformed" % malformed
	if strangers:
		said += ", %d of another sender" % strangers
	return said


func _open(now_s: float) -> void:
	if now_s - _retry_s < RETRY_S:
		return
	_retry_s = now_s
	var before := problem
	problem = socket.open(port, bind_address)
	_is_open = problem.is_empty()
	if problem and problem != before:
		push_error("UnderstudyReceiver: " + problem)


func _drain(now_s: float) -> void:
	for i in MOST_A_PICTURE:
		if not socket.next():
			return
		_take(socket.datagram, socket.sender, now_s)


func _take(datagram: PackedByteArray, from: String, now_s: float) -> void:
	datagrams += 1
	if sender and from != sender:
		strangers += 1
		return
	var done := _gatherer.feed(datagram, now_s)
	if _gatherer.fault:
		malformed += 1
		last_fault = _gatherer.fault
	if not _gatherer.known:
		return
	sender = from
	_heard_s = now_s
	for frame in done:
		frames += 1
		_playhead.push(frame, now_s)
		_become(State.LIVE if frame.tracking else State.HELD)


func _judge(now_s: float) -> void:
	if sender and now_s - _heard_s > lost_after_s:
		sender = ""
		_gatherer = Gatherer.new()
		_playhead.clear()
		if state != State.WAITING:
			_become(State.LOST)


func _become(now: State) -> void:
	if now == state:
		return
	var before := state
	state = now
	state_changed.emit(now)
	if now == State.LIVE:
		live.emit()
	elif before == State.LIVE:
		lost.emit()


func _show() -> void:
	if is_instance_valid(skeleton):
		if not _rig:
			_rig = Rig.new(skeleton, bone_names)
			_shapes = BlendShapes.new(skeleton)
		_rig.apply(shown, hips_scale)
		_shapes.apply(shown.shapes)
	if is_instance_valid(camera) and shown.camera_name:
		camera.global_transform = global_transform * shown.camera
		camera.fov = shown.fov_deg
	if is_instance_valid(props):
		for serial: String in shown.trackers:
			var prop := props.get_node_or_null(NodePath(serial.validate_node_name())) as Node3D
			if prop:
				prop.global_transform = global_transform * (shown.trackers[serial] as Transform3D)
	frame_shown.emit(shown)


static func _now_s() -> float:
	return Time.get_ticks_usec() * 1.0e-6
