@tool
## Puts UnderstudyReceiver into the editor's list of nodes.
extends EditorPlugin

const Receiver := preload("receiver.gd")
const TYPE := "UnderstudyReceiver"


func _enter_tree() -> void:
	# One of the editor's own: a picture of ours would not be imported when a project opens first.
	var icon := EditorInterface.get_base_control().get_theme_icon("Skeleton3D", "EditorIcons")
	add_custom_type(TYPE, "Node3D", Receiver, icon)


func _exit_tree() -> void:
	remove_custom_type(TYPE)
