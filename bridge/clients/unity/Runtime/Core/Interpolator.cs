// Frames arrive with jitter, at the stage's rate; a display asks at its own. Between the two stands
// a small buffer that is read a little in the past. How far is measured: the usual time between two
// frames and the lateness that 19 of 20 frames stay within.

using System;

namespace Understudy
{
    public sealed class Interpolator
    {
        private const int Kept = 64;
        private const int Measured = 128;
        private const int MeasureEvery = 8;

        // The fastest delivery of the last seconds stands for the way without jitter; a window, so
        // that two clocks may drift apart.
        private const long WindowNs = 2000000000L;
        private const long JumpNs = 250000000L;
        private const long LongestGapNs = 250000000L;

        // Velocities are taken over so long: over one tick they are mostly noise.
        private const long BaselineNs = 30000000L;

        // Faster and farther than this between two frames is no motion but a cut.
        private const double CutM = 0.5;
        private const double CutMS = 15.0;
        private const double MostSlew = 0.05;

        private readonly object gate = new object();
        private readonly Frame[] frames = new Frame[Kept];
        private int count;

        private readonly float[] lateness = new float[Measured];
        private readonly float[] intervals = new float[Measured];
        private readonly float[] sorted = new float[Measured];
        private int measured;
        private long fastest;
        private long fastestBefore;
        private long windowStart;

        private long playNs;
        private long sampledNs;
        private bool playing;

        /// <summary>Never goes on from the last frame for longer than this.</summary>
        public double MostExtrapolationS = 0.05;

        /// <summary>The least and the most that a measured delay may be.</summary>
        public double LeastDelayS = 0.0;
        public double MostDelayS = 0.25;

        /// <summary>A delay of the user's own; below 0 the measured one.</summary>
        public double FixedDelayS = -1;

        /// <summary>How far in the past the buffer is to be read.</summary>
        public double DelayS { get; private set; }

        /// <summary>Lateness against the fastest delivery that 19 of 20 frames stay
        /// within.</summary>
        public double JitterS { get; private set; }

        /// <summary>The usual time between two frames.</summary>
        public double IntervalS { get; private set; }

        /// <summary>Frames that came after a later one.</summary>
        public long OutOfOrder { get; private set; }

        /// <summary>Samples that had to go on from the last frame, and those that held at the
        /// bound.</summary>
        public long Extrapolated { get; private set; }
        public long Held { get; private set; }

        /// <summary>Takes a frame and gives one back to be filled next.</summary>
        public Frame Add(Frame frame)
        {
            lock (gate)
            {
                Frame last = count > 0 ? frames[count - 1] : null;
                if (last != null && last.Session != frame.Session)
                    Restart();
                else if (last != null && frame.PublishNs <= last.PublishNs)
                {
                    OutOfOrder++;
                    return frame;
                }
                Measure(frame, count > 0 ? last : null);
                Frame spare;
                if (count == Kept)
                {
                    spare = frames[0];
                    Array.Copy(frames, 1, frames, 0, --count);
                }
                else
                    spare = frames[count] ?? new Frame();
                frames[count++] = frame;
                return spare;
            }
        }

        private void Restart()
        {
            count = measured = 0;
            windowStart = 0;
            playing = false;
        }

        private void Measure(Frame frame, Frame last)
        {
            long transit = frame.ReceivedNs - frame.PublishNs;
            if (windowStart == 0 || frame.ReceivedNs - windowStart > WindowNs)
            {
                fastestBefore = windowStart == 0 ? transit : fastest;
                fastest = transit;
                windowStart = frame.ReceivedNs;
            }
            fastest = Math.Min(fastest, transit);
            int slot = measured++ % Measured;
            lateness[slot] = (transit - Base) * 1e-9f;
            intervals[slot] = last == null ? 0 : (frame.PublishNs - last.PublishNs) * 1e-9f;
            if (measured % MeasureEvery != 0 && measured > MeasureEvery)
                return;
            JitterS = Quantile(lateness, 0.95);
            IntervalS = Quantile(intervals, 0.5);
            DelayS = FixedDelayS >= 0
                ? FixedDelayS
                : Math.Max(LeastDelayS, Math.Min(MostDelayS, IntervalS + JitterS));
        }

        private long Base
        {
            get { return Math.Min(fastest, fastestBefore); }
        }

        private double Quantile(float[] values, double part)
        {
            int have = Math.Min(measured, Measured);
            Array.Copy(values, sorted, have);
            Array.Sort(sorted, 0, have);
            return sorted[(int)(part * (have - 1))];
        }

        /// <summary>When the last frame came, by this machine's clock; 0 before the first.</summary>
        public long LastReceivedNs
        {
            get
            {
                lock (gate)
                    return count > 0 ? frames[count - 1].ReceivedNs : 0;
            }
        }

        /// <summary>The newest frame as it came; false before the first.</summary>
        public bool Newest(Frame into)
        {
            lock (gate)
            {
                if (count == 0)
                    return false;
                Copy(frames[count - 1], into);
                return true;
            }
        }

        /// <summary>The stage as it was `DelayS` ago; false before the first frame. Ask with a clock
        /// that does not go back, and the answers never do.</summary>
        public bool Sample(long nowNs, Frame into)
        {
            lock (gate)
                return count > 0 && SampleAt(Play(nowNs), into);
        }

        /// <summary>Moves the time that is shown: at the clock's rate, a twentieth faster or slower
        /// while the delay changes, and at once after a stall. Never back.</summary>
        private long Play(long nowNs)
        {
            long wished = nowNs - Base - (long)(DelayS * 1e9);
            if (!playing)
                playNs = wished;
            else
            {
                long step = Math.Max(0, nowNs - sampledNs);
                long error = wished - playNs - step;
                if (Math.Abs(error) > JumpNs)
                    playNs = Math.Max(playNs, wished);
                else
                {
                    long slew = (long)(MostSlew * step);
                    playNs += step + Math.Max(-slew, Math.Min(slew, error));
                }
            }
            playing = true;
            sampledNs = nowNs;
            return playNs;
        }

        /// <summary>The stage at a time of its own clock; false before the first frame.</summary>
        public bool SampleAt(long timeNs, Frame into)
        {
            lock (gate)
            {
                if (count == 0)
                    return false;
                int after = 0;
                while (after < count && frames[after].PublishNs <= timeNs)
                    after++;
                if (after == 0)
                    Copy(frames[0], into);
                else if (after == count)
                    GoOn(timeNs, into);
                else
                    Between(frames[after - 1], frames[after], timeNs, into);
                into.PublishNs = timeNs;
                return true;
            }
        }

        private static void Between(Frame a, Frame b, long timeNs, Frame into)
        {
            long span = b.PublishNs - a.PublishNs;
            float t = (float)((double)(timeNs - a.PublishNs) / span);
            Blend(a, b, t, span, into);
        }

        private void GoOn(long timeNs, Frame into)
        {
            Frame last = frames[count - 1];
            long ahead = Math.Min(timeNs - last.PublishNs, (long)(MostExtrapolationS * 1e9));
            int before = count - 2;
            while (before > 0 && last.PublishNs - frames[before].PublishNs < BaselineNs)
                before--;
            if (ahead < timeNs - last.PublishNs)
                Held++;
            else if (ahead > 0)
                Extrapolated++;
            if (ahead <= 0 || before < 0 || last.PublishNs - frames[before].PublishNs > LongestGapNs)
            {
                Copy(last, into);
                return;
            }
            long span = last.PublishNs - frames[before].PublishNs;
            Blend(frames[before], last, 1 + (float)((double)ahead / span), span, into);
        }

        // ------------------------------------------------------------------ two frames into one

        /// <summary>t 0 is a, 1 is b, beyond 1 goes on. Who is in it and their words are those of the
        /// nearer past: a's up to 1, b's from there.</summary>
        private static void Blend(Frame a, Frame b, float t, long spanNs, Frame into)
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
            }
            into.Props.Clear();
            for (int i = 0; i < from.Props.Count; i++)
            {
                Prop x = from.Props[i], y = into.Props.Add();
                y.Name = x.Name;
                Copy(x.Position, ref y.Position);
                Copy(x.Rotation, ref y.Rotation);
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
        }

        private static void Copy<T>(T[] from, ref T[] into)
        {
            if (into == null || into.Length != from.Length)
                into = new T[from.Length];
            Array.Copy(from, into, from.Length);
        }
    }
}
