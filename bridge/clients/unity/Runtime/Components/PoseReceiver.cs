// NOT COMPILED AGAINST UNITY HERE: the tests compile and run it against small stand-ins of
// UnityEngine's types (tests/clients/unity/stubs). What thinks is in Runtime/Core.

using System;
using System.Collections.Generic;
using UnityEngine;

namespace Understudy
{
    public enum RootMotion
    {
        /// <summary>The hips go where the stage has them, as seen from this object.</summary>
        Stage,

        /// <summary>Up and down only; a script moves the object.</summary>
        InPlace,

        /// <summary>The hips stay at rest.</summary>
        None,
    }

    /// <summary>Moves a character as a subject of the stage moves: a Humanoid by what its bones are, a
    /// generic rig by their names; and its face. Put it on the character's root.</summary>
    [AddComponentMenu("Understudy/Pose Receiver")]
    [DefaultExecutionOrder(1000)]
    public sealed class PoseReceiver : MonoBehaviour
    {
        [Tooltip("The connection; empty: the first in the scene.")]
        public UnderstudyStage stage;

        [Tooltip("Name of the subject on the stage; empty: the first.")]
        public string subject = "";

        public RootMotion rootMotion = RootMotion.Stage;

        [Tooltip("Match bones by name even where there is a Humanoid avatar.")]
        public bool byNames;

        [Tooltip("Also take the bones' places from the stage: only for a rig made from its skeleton.")]
        public bool bonePlaces;

        [Tooltip("Drive blend shapes from the stage's face curves.")]
        public bool face = true;

        [Tooltip("Weight of a curve that is 1.")]
        public float faceWeight = 100f;

        private struct Face
        {
            public SkinnedMeshRenderer Mesh;
            public int[] Curves;
        }

        private readonly List<Transform> bones = new List<Transform>();
        private readonly List<int> boneJoints = new List<int>();
        private readonly List<Face> faces = new List<Face>();
        private readonly Dictionary<Transform, Vector3> restPlaces = new Dictionary<Transform, Vector3>();
        private readonly Dictionary<Transform, Quaternion> restTurns = new Dictionary<Transform, Quaternion>();
        private Skeleton bound;
        private Retarget retarget;
        private Vector3 restHips;

        /// <summary>Who moves the character now, and why it is not its source; Lost where the stage does
        /// not have it.</summary>
        public SubjectState State { get; private set; }
        public string Reason { get; private set; }

        /// <summary>Bones that the stage moves.</summary>
        public int BoneCount
        {
            get { return bones.Count; }
        }

        public void Awake()
        {
            State = SubjectState.Lost;
            Reason = "";
            // The pose that the rig has now is its rest pose, unless a Humanoid avatar tells it.
            foreach (Transform bone in GetComponentsInChildren<Transform>())
            {
                restPlaces[bone] = transform.InverseTransformPoint(bone.position);
                restTurns[bone] = Quaternion.Inverse(transform.rotation) * bone.rotation;
            }
        }

        public void OnEnable()
        {
            bound = null;
            if (stage == null)
                stage = UnderstudyStage.InScene();
        }

        // After the Animator: what the stage says is the last word.
        public void LateUpdate()
        {
            Subject now = stage == null || stage.Frame == null ? null : stage.Frame.Find(subject);
            if (now == null)
            {
                State = SubjectState.Lost;
                Reason = stage == null
                    ? "No Understudy Stage in the scene."
                    : stage.Frame == null ? stage.Status : "The stage has no subject \"" + subject + "\".";
                return;
            }
            State = now.State;
            Reason = now.Reason;
            if (now.Skeleton != bound)
                Bind(now.Skeleton);
            Move(now);
            if (face && now.Curves.Length > 0)
                MoveFace(now.Curves);
        }

        private void Bind(Skeleton skeleton)
        {
            bound = skeleton;
            bones.Clear();
            boneJoints.Clear();
            var rig = new RigAtRest();
            Animator animator = GetComponentInChildren<Animator>();
            bool human = !byNames && animator != null && animator.avatar != null && animator.avatar.isHuman;
            Dictionary<string, int> roles = HumanRoles.Find(skeleton.Names, skeleton.Parents);
            if (human)
                FindHuman(animator, roles, rig);
            else
                FindNames(skeleton, roles, rig);
            retarget = new Retarget(skeleton, rig);
            restHips = retarget.HipsBone < 0
                ? Vector3.zero
                : ToVector(rig.Positions[retarget.HipsBone]);
            if (bones.Count == 0)
                Debug.LogWarning(
                    "Understudy: no bone of " + name + " has a joint in the subject's skeleton; give it a "
                    + "Humanoid avatar, or bones with the skeleton's names.", this);
            BindFaces(skeleton);
        }

        private void FindHuman(Animator animator, Dictionary<string, int> roles, RigAtRest rig)
        {
            var tPose = new Dictionary<string, SkeletonBone>();
            foreach (SkeletonBone one in animator.avatar.humanDescription.skeleton)
                tPose[one.name] = one;
            var found = new List<KeyValuePair<string, Transform>>();
            foreach (string role in roles.Keys)
            {
                var bone = animator.GetBoneTransform((HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), role));
                if (bone != null)
                    found.Add(new KeyValuePair<string, Transform>(role, bone));
            }
            // Turning a parent turns its children: parents first.
            found.Sort((a, b) => Depth(a.Value).CompareTo(Depth(b.Value)));
            foreach (KeyValuePair<string, Transform> one in found)
            {
                Vector3 place;
                Quaternion turn;
                AtRest(one.Value, tPose, out place, out turn);
                Add(rig, one.Value, roles[one.Key], one.Key, place, turn);
            }
        }

        private int Depth(Transform bone)
        {
            int depth = 0;
            for (Transform t = bone; t != null && t != transform; t = t.parent)
                depth++;
            return depth;
        }

        /// <summary>A bone in the avatar's T-pose, as seen from this object.</summary>
        private void AtRest(
            Transform bone, Dictionary<string, SkeletonBone> tPose, out Vector3 place, out Quaternion turn)
        {
            place = Vector3.zero;
            turn = Quaternion.identity;
            for (Transform t = bone; t != null && t != transform; t = t.parent)
            {
                SkeletonBone known;
                bool has = tPose.TryGetValue(t.name, out known);
                Quaternion local = has ? known.rotation : t.localRotation;
                Vector3 scale = has ? known.scale : t.localScale;
                place = (has ? known.position : t.localPosition) + local * Vector3.Scale(scale, place);
                turn = local * turn;
            }
        }

        private void FindNames(Skeleton skeleton, Dictionary<string, int> roles, RigAtRest rig)
        {
            var joints = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
            for (int j = 0; j < skeleton.Count; j++)
                joints[Bare(skeleton.Names[j])] = j;
            var roleOf = new Dictionary<int, string>();
            foreach (KeyValuePair<string, int> role in roles)
                roleOf[role.Value] = role.Key;
            foreach (Transform bone in GetComponentsInChildren<Transform>()) // parents first
            {
                int joint;
                if (bone == transform || !restTurns.ContainsKey(bone) || !joints.TryGetValue(Bare(bone.name), out joint))
                    continue;
                string role = roleOf.ContainsKey(joint) ? roleOf[joint] : "";
                Add(rig, bone, joint, role, restPlaces[bone], restTurns[bone]);
            }
        }

        private static string Bare(string name)
        {
            return name.Substring(name.LastIndexOf(':') + 1);
        }

        private void Add(RigAtRest rig, Transform bone, int joint, string role, Vector3 place, Quaternion turn)
        {
            bones.Add(bone);
            boneJoints.Add(joint);
            rig.Add(joint, role, new Vec(place.x, place.y, place.z), new Quat(turn.x, turn.y, turn.z, turn.w));
        }

        private static Vector3 ToVector(Vec v)
        {
            return new Vector3((float)v.X, (float)v.Y, (float)v.Z);
        }

        private void Move(Subject now)
        {
            retarget.Apply(now.Positions, now.Rotations);
            for (int b = 0; b < bones.Count; b++)
            {
                if (bones[b] == null) // destroyed since
                    continue;
                if (bonePlaces && b != retarget.HipsBone)
                {
                    int p = 3 * boneJoints[b];
                    bones[b].localPosition = new Vector3(
                        now.Positions[p], now.Positions[p + 1], now.Positions[p + 2]);
                }
                if (b == retarget.HipsBone)
                    bones[b].position = transform.TransformPoint(Hips());
                int q = 4 * b;
                float[] turns = retarget.Rotations;
                bones[b].rotation =
                    transform.rotation * new Quaternion(turns[q], turns[q + 1], turns[q + 2], turns[q + 3]);
            }
        }

        private Vector3 Hips()
        {
            float[] place = retarget.HipsPosition;
            switch (rootMotion)
            {
                case RootMotion.Stage:
                    return new Vector3(place[0], place[1], place[2]);
                case RootMotion.InPlace:
                    return new Vector3(restHips.x, place[1], restHips.z);
                default:
                    return restHips;
            }
        }

        private void BindFaces(Skeleton skeleton)
        {
            faces.Clear();
            foreach (SkinnedMeshRenderer mesh in GetComponentsInChildren<SkinnedMeshRenderer>())
            {
                int count = mesh.sharedMesh == null ? 0 : mesh.sharedMesh.blendShapeCount;
                var shapes = new string[count];
                for (int i = 0; i < count; i++)
                    shapes[i] = mesh.sharedMesh.GetBlendShapeName(i);
                int[] curves = FaceShapes.Match(shapes, skeleton.CurveNames);
                if (Array.Exists(curves, c => c >= 0))
                    faces.Add(new Face { Mesh = mesh, Curves = curves });
            }
        }

        private void MoveFace(float[] values)
        {
            foreach (Face one in faces)
                for (int i = 0; one.Mesh != null && i < one.Curves.Length; i++)
                    if (one.Curves[i] >= 0)
                        one.Mesh.SetBlendShapeWeight(i, values[one.Curves[i]] * faceWeight);
        }
    }
}
