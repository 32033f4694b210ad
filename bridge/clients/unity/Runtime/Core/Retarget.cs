// From the stream's skeleton to the user's rig, by what each joint does against its own rest pose:
//
//     world(target) = world(source) * inverse(rest(source)) * align * rest(target)
//
// `align` makes up for rest poses that differ, an A-pose against a T-pose: on arms and legs it is
// the shortest turn from the target's bone to the source's at rest, elsewhere none. Rotations only,
// and the hips' position, scaled by the height of the hips over the feet. All in Unity's space; the
// rig's root stands for the stage's origin.

using System;
using System.Collections.Generic;

namespace Understudy
{
    /// <summary>A rig at rest (T-pose or bind pose) as seen from its root, parents before
    /// children.</summary>
    public sealed class RigAtRest
    {
        /// <summary>Joint of the skeleton that drives each bone.</summary>
        public readonly List<int> Joints = new List<int>();

        /// <summary>Unity's name of each human bone; "" for what is none.</summary>
        public readonly List<string> Roles = new List<string>();
        public readonly List<Vec> Positions = new List<Vec>();
        public readonly List<Quat> Rotations = new List<Quat>();

        public void Add(int joint, string role, Vec position, Quat rotation)
        {
            Joints.Add(joint);
            Roles.Add(role);
            Positions.Add(position);
            Rotations.Add(rotation);
        }
    }

    public sealed class Retarget
    {
        private static readonly string[] Aligned = { "UpperLeg", "LowerLeg", "UpperArm", "LowerArm" };
        private static readonly string[] NextAligned = { "LowerLeg", "Foot", "LowerArm", "Hand" };

        private readonly Skeleton skeleton;
        private readonly RigAtRest rig;
        private readonly Quat[] offsets;
        private readonly Vec[] worldPositions;
        private readonly Quat[] worldRotations;
        private readonly int hips = -1;

        /// <summary>Size of the rig against the skeleton: hips over feet, both at rest.</summary>
        public readonly double Scale = 1;

        /// <summary>Of each bone: its rotation as seen from the rig's root, 4 numbers.</summary>
        public readonly float[] Rotations;

        /// <summary>Where the hips go, as seen from the rig's root; HipsBone tells which bone that is, -1
        /// where the rig has none.</summary>
        public readonly float[] HipsPosition = new float[3];

        public int HipsBone
        {
            get { return hips; }
        }

        public Retarget(Skeleton skeleton, RigAtRest rig)
        {
            this.skeleton = skeleton;
            this.rig = rig;
            int bones = rig.Joints.Count;
            Rotations = new float[4 * bones];
            offsets = new Quat[bones];
            worldPositions = new Vec[skeleton.Count];
            worldRotations = new Quat[skeleton.Count];
            ToWorld(Mirrored(skeleton.RestPositions, true), Mirrored(skeleton.RestRotations, false));
            for (int b = 0; b < bones; b++)
            {
                offsets[b] = worldRotations[rig.Joints[b]].Inverse * Align(b) * rig.Rotations[b];
                if (rig.Roles[b] == "Hips" || (hips < 0 && rig.Joints[b] == 0))
                    hips = b;
            }
            Scale = hips < 0 ? 1 : HeightRatio();
        }

        private static float[] Mirrored(double[] numbers, bool positions)
        {
            float[] unity = Array.ConvertAll(numbers, n => (float)n);
            if (positions)
                UnitySpace.Positions(unity);
            else
                UnitySpace.Rotations(unity);
            return unity;
        }

        private Quat Align(int bone)
        {
            string side = rig.Roles[bone].StartsWith("Left", StringComparison.Ordinal) ? "Left" : "Right";
            for (int k = 0; k < Aligned.Length; k++)
            {
                if (rig.Roles[bone] != side + Aligned[k])
                    continue;
                int next = rig.Roles.IndexOf(side + NextAligned[k]);
                if (next >= 0)
                    return Quat.Between(
                        rig.Positions[next] - rig.Positions[bone],
                        worldPositions[rig.Joints[next]] - worldPositions[rig.Joints[bone]]);
            }
            return Quat.Identity;
        }

        private double HeightRatio()
        {
            double source = 0, target = 0;
            for (int b = 0; b < rig.Joints.Count; b++)
            {
                if (!rig.Roles[b].EndsWith("Foot", StringComparison.Ordinal))
                    continue;
                source += worldPositions[rig.Joints[hips]].Y - worldPositions[rig.Joints[b]].Y;
                target += rig.Positions[hips].Y - rig.Positions[b].Y;
            }
            return source > 1e-3 && target > 1e-3 ? target / source : 1;
        }

        /// <summary>The rig's rotations for a pose in Unity's space, joints local to their
        /// parents.</summary>
        public void Apply(float[] positions, float[] rotations)
        {
            ToWorld(positions, rotations);
            for (int b = 0; b < offsets.Length; b++)
            {
                Quat turn = worldRotations[rig.Joints[b]] * offsets[b];
                Rotations[4 * b] = (float)turn.X;
                Rotations[4 * b + 1] = (float)turn.Y;
                Rotations[4 * b + 2] = (float)turn.Z;
                Rotations[4 * b + 3] = (float)turn.W;
            }
            if (hips < 0)
                return;
            Vec place = worldPositions[rig.Joints[hips]];
            HipsPosition[0] = (float)(place.X * Scale);
            HipsPosition[1] = (float)(place.Y * Scale);
            HipsPosition[2] = (float)(place.Z * Scale);
        }

        private void ToWorld(float[] positions, float[] rotations)
        {
            for (int j = 0; j < skeleton.Count; j++)
            {
                var p = new Vec(positions[3 * j], positions[3 * j + 1], positions[3 * j + 2]);
                var q = new Quat(
                    rotations[4 * j], rotations[4 * j + 1], rotations[4 * j + 2], rotations[4 * j + 3]);
                int parent = skeleton.Parents[j];
                worldPositions[j] = parent < 0 ? p : worldPositions[parent] + worldRotations[parent] * p;
                worldRotations[j] = parent < 0 ? q : worldRotations[parent] * q;
            }
        }
    }
}
