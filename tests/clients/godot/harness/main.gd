## Runs the add-on in a scene, as a test tells it over a WebSocket.
##
## Text is a call, [method, arguments...], and is answered; bytes are a datagram behind the number
## of its sender.
extends Node3D

const FrameOf := preload("res://addons/understudy/frame.gd")
const Gatherer := preload("res://addons/understudy/gatherer.gd")
const Playhead := preload("res://addons/understudy/playhead.gd")
const Receiver := preload("res://addons/understudy/receiver.gd")
const Rig := preload("res://addons/understudy/rig.gd")
const Space := preload("res://addons/understudy/space.gd")
const StubSocket := preload("res://harness/stub_socket.gd")

var _link := WebSocketPeer.new()
var _receiver: Receiver
var _socket: StubSocket
var _skeleton: Skeleton3D
var _scene: Node
var _signals: Array[String] = []
var _poses: Array = []


func _ready() -> void:
	_link.inbound_buffer_size = 1 << 24
	_link.outbound_buffer_size = 1 << 24
	_link.max_queued_packets = 1 << 16
	_link.connect_to_url(JavaScriptBridge.eval("window.TESTS") as String)


func _process(_delta_s: float) -> void:
	_link.poll()
	while _link.get_available_packet_count() > 0:
		var packet := _link.get_packet()
		if _link.was_string_packet():
			var said: Array = JSON.parse_string(packet.get_string_from_utf8())
			@warning_ignore("redundant_await")
			var answer: Variant = await callv(said[0] as String, said.slice(1))
			_link.send_text(JSON.stringify(answer, "", false, true))
		elif _socket:
			_socket.waiting.append(["10.0.0.%d:1" % packet[0], packet.slice(1)])


func version() -> Dictionary:
	return Engine.get_version_info()


## What of the add-on and the demo cannot be loaded.
func broken(paths: Array) -> Array:
	return paths.filter(
		func(path: String) -> bool:
			var resource := load(path)
			var script := resource as GDScript
			var scene := resource as PackedScene
			if script:
				return not script.can_instantiate()
			return not scene or not scene.can_instantiate()
	)


## Those of the methods that the engine's class does not have.
func lacking(type: String, methods: Array) -> Array:
	return methods.filter(
		func(method: String) -> bool: return not ClassDB.class_has_method(type, method)
	)


func profile() -> Array:
	var humanoid := SkeletonProfileHumanoid.new()
	return range(humanoid.bone_size).map(
		func(i: int) -> Array: return [humanoid.get_bone_name(i), humanoid.get_bone_parent(i)]
	)


func convert_poses(rows: Array) -> Array:
	return rows.map(
		func(row: Array) -> Array:
			var turn := Quaternion(row[3], row[4], row[5], row[6])
			return [
				_three(Space.position(Vector3(row[0], row[1], row[2]))),
				_four(Space.rotation(turn)),
				_four(Space.camera_rotation(turn)),
			]
	)


## A fresh receiver; it is stepped by hand unless `runs`.
func receiver(options: Dictionary, runs: bool) -> void:
	if _receiver:
		_receiver.free()
	_receiver = Receiver.new()
	_socket = StubSocket.new()
	_receiver.socket = _socket
	_receiver.lost_after_s = 60.0  # a busy machine is no silence
	change(options)
	_receiver.skeleton = _skeleton
	_receiver.set_process(runs)
	_signals.clear()
	_receiver.live.connect(func() -> void: _signals.append("live"))
	_receiver.lost.connect(func() -> void: _signals.append("lost"))
	_receiver.state_changed.connect(
		func(state: Receiver.State) -> void: _signals.append(Receiver.State.keys()[state] as String)
	)
	add_child(_receiver)


func change(options: Dictionary) -> void:
	for option: String in options:
		_receiver.set(option, options[option])


func refuse(why: String) -> void:
	_socket.refusal = why


## A skeleton of rows of name, parent and rest (position, rotation), local to the parent.
func rig(rows: Array) -> void:
	if _skeleton:
		_skeleton.free()
	_skeleton = Skeleton3D.new()
	for row: Array in rows:
		_skeleton.add_bone(row[0] as String)
	for i in rows.size():
		var row: Array = rows[i]
		_skeleton.set_bone_parent(i, row[1] as int)
		_skeleton.set_bone_rest(
			i,
			Transform3D(
				Basis(Quaternion(row[5], row[6], row[7], row[8]).normalized()),
				Vector3(row[2], row[3], row[4])
			)
		)
	_skeleton.reset_bone_poses()
	add_child(_skeleton)


## The rig that the demo has.
func mannequin() -> void:
	if _skeleton:
		_skeleton.free()
	_skeleton = load("res://demo/mannequin.gd").new()
	add_child(_skeleton)


func bones() -> Dictionary:
	var found := Rig.new(_skeleton, {}).bones
	var named := {}
	for role: String in found:
		named[role] = _skeleton.get_bone_name(found[role] as int)
	return named


func step(delta_s: float) -> Dictionary:
	_receiver._process(delta_s)
	return seen()


func seen() -> Dictionary:
	return {
		"state": Receiver.State.keys()[_receiver.state],
		"summary": _receiver.summary(),
		"problem": _receiver.problem,
		"fault": _receiver.last_fault,
		"sender": _receiver.sender,
		"rate_hz": _receiver.rate_hz,
		"silence_s": minf(_receiver.silence_s, 1e9),
		"frames": _receiver.frames,
		"datagrams": _receiver.datagrams,
		"malformed": _receiver.malformed,
		"strangers": _receiver.strangers,
		"signals": _signals,
		"stamp_s": _receiver.shown.stamp_s if _receiver.shown else -1.0,
	}


## Position and rotation of every bone in the skeleton's space, from the local poses.
func pose() -> Array:
	return range(_skeleton.get_bone_count()).map(
		func(bone: int) -> Array: return _placed(_skeleton.get_bone_global_pose(bone))
	)


## From now on keeps the pose of every picture of a running receiver.
func watch() -> void:
	_poses.clear()
	_receiver.frame_shown.connect(
		func(frame: FrameOf) -> void: _poses.append([frame.stamp_s, pose()])
	)


func watched() -> Array:
	return _poses


## Waits until the receiver is in this state.
func wait_for(state: String) -> Dictionary:
	while Receiver.State.keys()[_receiver.state] != state:
		await get_tree().process_frame
	return seen()


## Reads a datagram, steps and reads on, for each; gives what was left out, and then the frames.
func feed(datagrams: Array) -> Dictionary:
	var gatherer := Gatherer.new()
	var faults := []
	var frames := 0
	for text: String in datagrams:
		frames += gatherer.feed(Marshalls.base64_to_raw(text), 1.0).size()
		faults.append(gatherer.fault)
	return {"faults": faults, "frames": frames}


## The frames of datagrams, all that they say.
func gathered(datagrams: Array) -> Array:
	var gatherer := Gatherer.new()
	var all := []
	for text: String in datagrams:
		for frame: FrameOf in gatherer.feed(Marshalls.base64_to_raw(text), 1.0):
			var told := {"stamp_s": frame.stamp_s, "tracking": frame.tracking, "bones": {}}
			for bone: String in frame.positions:
				told["bones"][bone] = [_three(frame.positions[bone]), _four(frame.rotations[bone])]
			told["root"] = _placed(frame.root)
			told["shapes"] = frame.shapes
			told["camera"] = [frame.camera_name, frame.fov_deg] + _placed(frame.camera)
			told["trackers"] = {}
			for serial: String in frame.trackers:
				told["trackers"][serial] = _placed(frame.trackers[serial])
			all.append(told)
	return all


## Which moments a playhead shows: frames come at `arrivals` [sender's time, ours], pictures at
## `pictures`; the position shown is the sender's time of the moment.
func played(arrivals: Array, pictures: Array, blending: bool) -> Array:
	var playhead := Playhead.new()
	var shown := []
	var before_s: float = pictures[0]
	for picture_s: float in pictures:
		while not arrivals.is_empty() and arrivals[0][1] <= picture_s:
			var arrival: Array = arrivals.pop_front()
			var frame := FrameOf.new()
			frame.stamp_s = arrival[0]
			frame.positions["Hips"] = Vector3(arrival[0], 0.0, 0.0)
			frame.rotations["Hips"] = Quaternion(Vector3.UP, arrival[0] as float)
			playhead.push(frame, picture_s)  # when it is read
		var now := playhead.at(picture_s, picture_s - before_s, blending)
		before_s = picture_s
		shown.append((now.positions["Hips"] as Vector3).x if now else null)
	return shown


## A mesh with these blend shapes below the skeleton, a camera and props of these names.
func dress(shapes: Array, names: Array) -> void:
	var mesh := ArrayMesh.new()
	for shape: String in shapes:
		mesh.add_blend_shape(shape)
	var arrays := []
	arrays.resize(Mesh.ARRAY_MAX)
	arrays[Mesh.ARRAY_VERTEX] = PackedVector3Array([Vector3.ZERO, Vector3.RIGHT, Vector3.UP])
	var moved := []
	for shape: String in shapes:
		var other := []
		other.resize(Mesh.ARRAY_MAX)
		other[Mesh.ARRAY_VERTEX] = PackedVector3Array([Vector3.ZERO, Vector3.RIGHT, Vector3.DOWN])
		moved.append(other)
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays, moved)
	var face := MeshInstance3D.new()
	face.name = "Face"
	face.mesh = mesh
	_skeleton.add_child(face)
	_receiver.skeleton = _skeleton
	_receiver.camera = Camera3D.new()
	_receiver.add_child(_receiver.camera)
	_receiver.props = Node3D.new()
	_receiver.add_child(_receiver.props)
	for prop: String in names:
		var node := Node3D.new()
		node.name = prop.validate_node_name()
		_receiver.props.add_child(node)
	_receiver.position = Vector3(10.0, 0.0, 0.0)
	_receiver.rotation = Vector3(0.0, PI / 2.0, 0.0)


func dressed() -> Dictionary:
	var face: MeshInstance3D = _skeleton.get_node("Face")
	return {
		"shapes": range(face.get_blend_shape_count()).map(face.get_blend_shape_value),
		"camera": _placed(_receiver.camera.global_transform),
		"fov_deg": _receiver.camera.fov,
		"props":
		_receiver.props.get_children().map(
			func(node: Node3D) -> Array: return [node.name] + _placed(node.global_transform)
		),
	}


## The demo's scene, fed like the receiver.
func demo() -> void:
	if _receiver:
		_receiver.free()
	_scene = load("res://demo/demo.tscn").instantiate()
	_receiver = _scene.get_node("Receiver")
	_socket = StubSocket.new()
	_receiver.socket = _socket
	_receiver.lost_after_s = 60.0  # pictures take their time where there is no GPU
	add_child(_scene)


func demo_over() -> void:
	_scene.free()
	_receiver = null


## The picture as PNG, and what the label says.
func picture() -> Array:
	await RenderingServer.frame_post_draw
	var image := get_viewport().get_texture().get_image()
	var label: Label = _scene.get_node("Screen/Status")
	return [label.text, Marshalls.raw_to_base64(image.save_png_to_buffer())]


## Microseconds for reading a frame of datagrams, for posing the skeleton, and for a blend.
func cost(datagrams: Array, times: int) -> Array:
	var raw := datagrams.map(Marshalls.base64_to_raw)
	var gatherer := Gatherer.new()
	var frame: FrameOf
	var start := Time.get_ticks_usec()
	for i in times:
		for datagram: PackedByteArray in raw:
			for one in gatherer.feed(datagram, 1.0):
				frame = one
	var read := Time.get_ticks_usec()
	var posed := Rig.new(_skeleton, {})
	for i in times:
		posed.apply(frame, 0.0)
	var applied := Time.get_ticks_usec()
	for i in times:
		FrameOf.between(frame, frame, 0.5)
	var blended := Time.get_ticks_usec()
	return [(read - start) / times, (applied - read) / times, (blended - applied) / times]


static func _three(v: Vector3) -> Array:
	return [v.x, v.y, v.z]


static func _four(q: Quaternion) -> Array:
	return [q.x, q.y, q.z, q.w]


static func _placed(t: Transform3D) -> Array:
	return [_three(t.origin), _four(t.basis.get_rotation_quaternion())]
