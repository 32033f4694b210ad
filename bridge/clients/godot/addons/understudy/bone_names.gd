## Which bone of a Skeleton3D is which of VMC's bones.
##
## VMC has Unity's names for a humanoid. Godot's humanoid profile has the same, but for the thumbs;
## rigs that were not retargeted at import are found by the names that are usual (Mixamo, VRM,
## Unreal, Character Creator, CMU). Spines and fingers are counted along their chains, since nobody
## agrees on their numbers.
extends RefCounted

const SIDES := ["Left", "Right"]
const FINGERS := {
	"Thumb": ["thumb"],
	"Index": ["index"],
	"Middle": ["middle", "mid"],
	"Ring": ["ring"],
	"Little": ["little", "pinky", "pinkie"],
}
const PARTS := ["Proximal", "Intermediate", "Distal"]
const TRUNK := {
	"hips": "Hips",
	"hip": "Hips",
	"pelvis": "Hips",
	"neck": "Neck",
	"necktwist": "Neck",
	"head": "Head",
	"jaw": "Jaw",
}
const LIMBS := {
	"upperleg": "UpperLeg",
	"upleg": "UpperLeg",
	"thigh": "UpperLeg",
	"lowerleg": "LowerLeg",
	"leg": "LowerLeg",
	"calf": "LowerLeg",
	"shin": "LowerLeg",
	"foot": "Foot",
	"ankle": "Foot",
	"toes": "Toes",
	"toe": "Toes",
	"toebase": "Toes",
	"ball": "Toes",
	"shoulder": "Shoulder",
	"clavicle": "Shoulder",
	"collar": "Shoulder",
	"upperarm": "UpperArm",
	"uparm": "UpperArm",
	"arm": "UpperArm",
	"lowerarm": "LowerArm",
	"forearm": "LowerArm",
	"hand": "Hand",
	"wrist": "Hand",
	"eye": "Eye",
}


## VMC's name -> bone of the skeleton. `chosen` (VMC's name -> the bone's name) goes before.
static func find(skeleton: Skeleton3D, chosen: Dictionary) -> Dictionary:
	var found := {}
	for bone in skeleton.get_bone_count():
		var role := _role(skeleton.get_bone_name(bone))
		if role and not found.has(role):
			found[role] = bone
	if found.has("Hips") and (found.has("Neck") or found.has("Head")):
		_find_spine(skeleton, found)
	for side: String in SIDES:
		if found.has(side + "Hand"):
			_find_fingers(skeleton, found, side)
	for role: String in chosen:
		var bone := skeleton.find_bone(chosen[role] as String)
		if bone < 0:
			push_warning("UnderstudyReceiver: the skeleton has no bone %s." % chosen[role])
		else:
			found[role] = bone
	return found


## The bones between hips and neck: one is the spine, two are spine and chest, the first, one
## between and the last of more are spine, chest and upper chest.
static func _find_spine(skeleton: Skeleton3D, found: Dictionary) -> void:
	var chain: Array[int] = []
	var bone := skeleton.get_bone_parent(found.get("Neck", found.get("Head")) as int)
	while bone >= 0 and bone != found["Hips"]:
		chain.push_front(bone)
		bone = skeleton.get_bone_parent(bone)
	if bone < 0 or chain.is_empty():
		return
	found["Spine"] = chain[0]
	if chain.size() > 1:
		found["Chest"] = chain[chain.size() / 2]
	if chain.size() > 2:
		found["UpperChest"] = chain[-1]


static func _find_fingers(skeleton: Skeleton3D, found: Dictionary, side: String) -> void:
	for finger: String in FINGERS:
		var bone: int = found[side + "Hand"]
		for part: String in PARTS:
			bone = _next_of_finger(skeleton, bone, finger)
			if bone < 0:
				break
			found[side + finger + part] = bone


## The bone of this finger below a bone; -1 where there is none. Bones in the palm are passed over,
## but the thumb's first one, which Godot and VRM 1 call metacarpal, moves with the thumb.
static func _next_of_finger(skeleton: Skeleton3D, above: int, finger: String) -> int:
	for bone in skeleton.get_bone_children(above):
		var said := skeleton.get_bone_name(bone).to_lower()
		if not FINGERS[finger].any(func(word: String) -> bool: return word in said):
			continue
		if finger != "Thumb" and ("meta" in said or "carpal" in said or "palm" in said):
			return _next_of_finger(skeleton, bone, finger)
		return bone
	return -1


static func _role(bone_name: String) -> String:
	var bare := _bare(bone_name)
	var side := ""
	for word: String in SIDES:
		var letter := word[0]
		var low := bare.to_lower()
		if low.begins_with(word.to_lower()):
			side = word
			bare = bare.substr(word.length())
		elif low.ends_with(word.to_lower()):
			side = word
			bare = bare.left(-word.length())
		elif low.begins_with(letter.to_lower() + "_"):
			side = word
			bare = bare.substr(2)
		elif low.ends_with("_" + letter.to_lower()):
			side = word
			bare = bare.left(-2)
		if side:
			break
	var key := bare.to_lower().replace("_", "").rstrip("0123456789")
	if side:
		return side + LIMBS[key] if LIMBS.has(key) else ""
	return TRUNK.get(key, "")


## The name without the prefixes that programs put before every bone; marks become underscores.
static func _bare(bone_name: String) -> String:
	var bare := bone_name
	for mark in [".", "-", " "]:
		bare = bare.replace(mark, "_")
	if bare.begins_with("mixamorig"):  # and a number, where several were imported
		bare = bare.substr(bare.find("_") + 1)
	for prefix in ["CC_Base_", "J_Bip_", "J_Adj_", "C_", "DEF_", "ORG_", "Bip01_", "Bip001_"]:
		bare = bare.trim_prefix(prefix)
	return bare
