## The blend shapes of a character's meshes, by what their names say.
##
## `EyeBlink_L`, `eyeBlinkLeft` and `Face.EyeBlink_L` are one: programs spell ARKit's names as they
## like.
extends RefCounted

## Plain name -> [[mesh, index of the blend shape], ...].
var _shapes := {}


func _init(character: Node) -> void:
	var meshes := character.find_children("*", "MeshInstance3D", true, false)
	if character is MeshInstance3D:
		meshes.append(character)
	for mesh: MeshInstance3D in meshes:
		var shaped := mesh.mesh as ArrayMesh
		if shaped:
			for index in shaped.get_blend_shape_count():
				var key := plain(shaped.get_blend_shape_name(index))
				_shapes[key] = _shapes.get(key, []) + [[mesh, index]]


## Sets what is there of these; a name that no mesh has is passed over.
func apply(values: Dictionary) -> void:
	for shape: String in values:
		for target: Array in _shapes.get(plain(shape), []):
			if is_instance_valid(target[0]):
				(target[0] as MeshInstance3D).set_blend_shape_value(target[1], values[shape])


static func plain(shape: String) -> String:
	var bare := shape.get_slice(".", shape.get_slice_count(".") - 1).to_lower()
	if bare.ends_with("_l"):
		bare = bare.left(-2) + "left"
	elif bare.ends_with("_r"):
		bare = bare.left(-2) + "right"
	return bare.replace("_", "")
