## Unity's axes, which VMC is in, to Godot's: the mirror image in x.
##
## Unity is left-handed with +Y up and +Z forward, Godot right-handed with +Y up; its characters
## look along +Z and its cameras along -Z. A mirror turns rotations the other way round unless
## their axis is its own normal. Every number that comes in goes through here, once.
extends RefCounted


static func position(theirs: Vector3) -> Vector3:
	return Vector3(-theirs.x, theirs.y, theirs.z)


static func rotation(theirs: Quaternion) -> Quaternion:
	return Quaternion(theirs.x, -theirs.y, -theirs.z, theirs.w).normalized()


## A camera's rotation: theirs look along their own +Z, Godot's along -Z, half a turn about +Y.
static func camera_rotation(theirs: Quaternion) -> Quaternion:
	return rotation(theirs) * Quaternion(0.0, 1.0, 0.0, 0.0)
