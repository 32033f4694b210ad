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
                Blending.Copy(frames[count - 1], into);
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
                    Blending.Copy(frames[0], into);
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
            Blending.Blend(a, b, t, span, into);
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
                Blending.Copy(last, into);
                return;
            }
            long span = last.PublishNs - frames[before].PublishNs;
            Blending.Blend(frames[before], last, 1 + (float)((double)ahead / span), span, into);
        }
    }
}
