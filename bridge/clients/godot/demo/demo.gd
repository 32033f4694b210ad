## The stream on a mannequin, with its state above it. C looks through the stage's camera.
extends Node3D

const Receiver := preload("res://addons/understudy/receiver.gd")

@onready var _receiver: Receiver = $Receiver
@onready var _mannequin: Skeleton3D = $Mannequin
@onready var _status: Label = $Screen/Status
@onready var _viewer: Camera3D = $Viewer
@onready var _stage_camera: Camera3D = $StageCamera


func _ready() -> void:
	_receiver.state_changed.connect(_on_state_changed)


func _process(delta_s: float) -> void:
	_status.text = _receiver.summary()
	var hips := _mannequin.find_bone("Hips")
	var place := _mannequin.global_transform * _mannequin.get_bone_global_pose(hips).origin
	var ahead := Vector3(place.x, 1.5, place.z + 4.0)
	_viewer.position = _viewer.position.lerp(ahead, 1.0 - exp(-3.0 * delta_s))


func _unhandled_key_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key.pressed and not key.echo and key.keycode == KEY_C:
		var next := _viewer if _stage_camera.current else _stage_camera
		next.make_current()


func _on_state_changed(state: Receiver.State) -> void:
	_mannequin.call("paint", state == Receiver.State.LIVE)
