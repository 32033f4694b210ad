## A body of capsules on the bones of Godot's humanoid profile.
extends Skeleton3D

const SIZE := 1.25  # the profile's reference poses are of somebody small
const LIVE := Color(0.86, 0.62, 0.42)
const LOST := Color(0.75, 0.2, 0.18)
const RADIUS_M := {"Spine": 0.12, "Chest": 0.13, "UpperChest": 0.14, "Hips": 0.11, "Head": 0.1}

var _material := StandardMaterial3D.new()


func _ready() -> void:
	_material.roughness = 0.6
	paint(false)
	var profile := SkeletonProfileHumanoid.new()
	for i in profile.bone_size:
		add_bone(profile.get_bone_name(i))
	for i in profile.bone_size:
		var rest := profile.get_reference_pose(i)
		rest.origin *= SIZE
		set_bone_parent(i, find_bone(profile.get_bone_parent(i)))
		set_bone_rest(i, rest)
	reset_bone_poses()
	for bone in get_bone_count():
		for child in get_bone_children(bone):
			if get_bone_parent(bone) >= 0:
				_dress(bone, get_bone_rest(child).origin)


func paint(is_live: bool) -> void:
	_material.albedo_color = LIVE if is_live else LOST


## A capsule from the bone to a point in its own axes.
func _dress(bone: int, end: Vector3) -> void:
	if end.length() < 0.01:
		return
	var capsule := CapsuleMesh.new()
	capsule.radius = minf(RADIUS_M.get(get_bone_name(bone), 0.05) as float, 0.45 * end.length())
	capsule.height = end.length() + 2.0 * capsule.radius
	capsule.material = _material
	var mesh := MeshInstance3D.new()
	mesh.mesh = capsule
	mesh.position = 0.5 * end
	mesh.quaternion = Quaternion(Vector3.UP, end.normalized())
	var attachment := BoneAttachment3D.new()
	add_child(attachment)
	attachment.bone_name = get_bone_name(bone)
	attachment.add_child(mesh)
