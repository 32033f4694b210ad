// Two frames into one: positions straight, rotations along the shorter arc.

using System;

namespace Understudy
{
    public static class Blending
    {
        // Faster and farther than this between two frames is no motion but a cut.
        private const double CutM = 0.5;
        private const double CutMS = 15.0;

        /// <summary>t 0 is a, 1 is b, beyond 1 goes on. Who is in it and their words are those of the
        /// nearer past: a's up to 1, b's from there.</summary>
        public static void Blend(Frame a, Frame b, float t, long spanNs, Frame into)
        {
            if (t <= 0)
            {
                Copy(a, into);
                return;
            }
            Copy(t < 1 ? a : b, into);
            double spanS = spanNs * 1e-9;
            for (int i = 0; i < into.Subjects.Count; i++)
            {
                Subject mix = into.Subjects[i];
                Subject x = Same(a, mix, i), y = Same(b, mix, i);
                if (x == null || y == null || IsCut(x.Positions, y.Positions, spanS))
                    continue;
                Lerp(x.Positions, y.Positions, t, mix.Positions);
                for (int q = 0; q < mix.Rotations.Length; q += 4)
                    Rotation.Slerp(x.Rotations, y.Rotations, q, t, mix.Rotations);
                if (x.Curves.Length == y.Curves.Length && t < 1)
                    Lerp(x.Curves, y.Curves, t, mix.Curves);
            }
            for (int i = 0; i < into.Cameras.Count; i++)
            {
                StreamCamera mix = into.Cameras[i];
                StreamCamera x = a.FindCamera(mix.Name), y = b.FindCamera(mix.Name);
                if (x == null || y == null || IsCut(x.Position, y.Position, spanS))
                    continue;
                Lerp(x.Position, y.Position, t, mix.Position);
                Rotation.Slerp(x.Rotation, y.Rotation, 0, t, mix.Rotation);
                if (t >= 1)
                    continue;
                mix.FocalMm = x.FocalMm + (y.FocalMm - x.FocalMm) * t;
                if (x.FocusM > 0 && y.FocusM > 0)
                    mix.FocusM = x.FocusM + (y.FocusM - x.FocusM) * t;
                if (x.Iris > 0 && y.Iris > 0)
                    mix.Iris = x.Iris + (y.Iris - x.Iris) * t;
            }
            for (int i = 0; i < into.Props.Count; i++)
            {
                Prop mix = into.Props[i];
                Prop x = Same(a, mix, i), y = Same(b, mix, i);
                if (x == null || y == null || IsCut(x.Position, y.Position, spanS))
                    continue;
                Lerp(x.Position, y.Position, t, mix.Position);
                Rotation.Slerp(x.Rotation, y.Rotation, 0, t, mix.Rotation);
            }
        }

        private static Subject Same(Frame frame, Subject wanted, int likely)
        {
            for (int k = 0; k < frame.Subjects.Count; k++)
            {
                Subject one = frame.Subjects[(likely + k) % frame.Subjects.Count];
                if (one.Skeleton == wanted.Skeleton && one.Name == wanted.Name)
                    return one;
            }
            return null;
        }

        private static Prop Same(Frame frame, Prop wanted, int likely)
        {
            for (int k = 0; k < frame.Props.Count; k++)
            {
                Prop one = frame.Props[(likely + k) % frame.Props.Count];
                if (one.Name == wanted.Name)
                    return one;
            }
            return null;
        }

        private static bool IsCut(float[] a, float[] b, double spanS)
        {
            double x = b[0] - a[0], y = b[1] - a[1], z = b[2] - a[2];
            double distance = Math.Sqrt(x * x + y * y + z * z);
            return distance > CutM && distance > CutMS * spanS;
        }

        private static void Lerp(float[] a, float[] b, float t, float[] into)
        {
            for (int i = 0; i < into.Length; i++)
                into[i] = a[i] + (b[i] - a[i]) * t;
        }

        public static void Copy(Frame from, Frame into)
        {
            into.Sequence = from.Sequence;
            into.Session = from.Session;
            into.Published = from.Published;
            into.CaptureNs = from.CaptureNs;
            into.PublishNs = from.PublishNs;
            into.ReceivedNs = from.ReceivedNs;
            into.Timecode = from.Timecode;
            into.RateNum = from.RateNum;
            into.RateDen = from.RateDen;
            into.DropFrame = from.DropFrame;
            Copy(from.StatNames, ref into.StatNames);
            Copy(from.StatValues, ref into.StatValues);
            into.Subjects.Clear();
            for (int i = 0; i < from.Subjects.Count; i++)
                Copy(from.Subjects[i], into.Subjects.Add());
            into.Cameras.Clear();
            for (int i = 0; i < from.Cameras.Count; i++)
            {
                StreamCamera x = from.Cameras[i], y = into.Cameras.Add();
                y.Name = x.Name;
                Copy(x.Position, ref y.Position);
                Copy(x.Rotation, ref y.Rotation);
                y.FocalMm = x.FocalMm;
                y.SensorWidthMm = x.SensorWidthMm;
                y.SensorHeightMm = x.SensorHeightMm;
                y.FocusM = x.FocusM;
                y.Iris = x.Iris;
                y.State = x.State;
                y.Reason = x.Reason;
                y.CaptureNs = x.CaptureNs;
            }
            into.Props.Clear();
            for (int i = 0; i < from.Props.Count; i++)
            {
                Prop x = from.Props[i], y = into.Props.Add();
                y.Name = x.Name;
                Copy(x.Position, ref y.Position);
                Copy(x.Rotation, ref y.Rotation);
                y.State = x.State;
                y.Reason = x.Reason;
                y.CaptureNs = x.CaptureNs;
            }
        }

        private static void Copy(Subject x, Subject y)
        {
            y.Name = x.Name;
            y.Skeleton = x.Skeleton;
            y.State = x.State;
            y.Reason = x.Reason;
            Copy(x.Positions, ref y.Positions);
            Copy(x.Rotations, ref y.Rotations);
            Copy(x.ContactJoints, ref y.ContactJoints);
            Copy(x.ContactWeights, ref y.ContactWeights);
            Copy(x.Trajectory, ref y.Trajectory);
            Copy(x.Curves, ref y.Curves);
            y.HasIntent = x.HasIntent;
            y.Intent = x.Intent;
            y.UncertaintyM = x.UncertaintyM;
            y.CaptureNs = x.CaptureNs;
        }

        private static void Copy<T>(T[] from, ref T[] into)
        {
            if (into == null || into.Length != from.Length)
                into = new T[from.Length];
            Array.Copy(from, into, from.Length);
        }
    }
}
