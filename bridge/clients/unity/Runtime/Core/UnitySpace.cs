// The stage's space (right-handed, +Y up, +Z forward, +X the character's left) to Unity's
// (left-handed, +Y up, +Z forward, +X right): a mirror in X. Here and nowhere else.

namespace Understudy
{
    public static class UnitySpace
    {
        /// <summary>Positions, 3 numbers each, in place: (-x, y, z).</summary>
        public static void Positions(float[] numbers)
        {
            for (int i = 0; i + 2 < numbers.Length; i += 3)
                numbers[i] = -numbers[i];
        }

        /// <summary>Rotations, 4 numbers each, in place: (x, -y, -z, w).</summary>
        public static void Rotations(float[] numbers)
        {
            for (int i = 0; i + 3 < numbers.Length; i += 4)
            {
                numbers[i + 1] = -numbers[i + 1];
                numbers[i + 2] = -numbers[i + 2];
            }
        }

        /// <summary>A camera's rotation, in place: the stage's looks along -Z, Unity's along +Z, so
        /// half a turn about its own Y comes on top.</summary>
        public static void CameraRotation(float[] q)
        {
            float x = q[0], y = q[1], z = q[2], w = q[3];
            q[0] = z;
            q[1] = w;
            q[2] = x;
            q[3] = y;
        }

        /// <summary>Everything in a frame, in place.</summary>
        public static void Convert(Frame frame)
        {
            for (int i = 0; i < frame.Subjects.Count; i++)
            {
                Positions(frame.Subjects[i].Positions);
                Rotations(frame.Subjects[i].Rotations);
                float[] path = frame.Subjects[i].Trajectory;
                for (int p = 0; p < path.Length; p += 2)
                    path[p] = -path[p];
                Subject subject = frame.Subjects[i];
                subject.Intent.TravelX = -subject.Intent.TravelX;
                subject.Intent.FacingX = -subject.Intent.FacingX;
            }
            for (int i = 0; i < frame.Cameras.Count; i++)
            {
                Positions(frame.Cameras[i].Position);
                CameraRotation(frame.Cameras[i].Rotation);
            }
            for (int i = 0; i < frame.Props.Count; i++)
            {
                Positions(frame.Props[i].Position);
                Rotations(frame.Props[i].Rotation);
            }
        }
    }
}
