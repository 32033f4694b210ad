@tool
## Puts UnderstudyReceiver into the editor's list of nodes.
extends EditorPlugin

const Receiver := preload("receiver.gd")
const TYPE := "UnderstudyReceiver"


func _enter_tree() -> void:
	add_custom_type(TYPE, "Node3D", Receiver, preload("icon.svg"))


func _exit_tree() -> void:
	remove_custom_type(TYPE)
