using System;
using System.Diagnostics;

namespace Understudy
{
    /// <summary>Where messages come from. Connects by itself, and again when the stage
    /// returns.</summary>
    public interface ISubscriberSocket : IDisposable
    {
        /// <summary>The next message, waited for at most so long: its length, the buffer made larger
        /// where needed; -1 when none came. A message of several parts, which none of ours has, counts
        /// as an empty one.</summary>
        int Receive(ref byte[] buffer, int timeoutMs);

        /// <summary>Whether the stage is there, as far as the socket knows.</summary>
        bool Connected { get; }

        /// <summary>How often a connection was made.</summary>
        int Connections { get; }

        /// <summary>Why there is no connection, for people; "" where there is one or nothing is
        /// known.</summary>
        string Trouble { get; }
    }

    /// <summary>This machine's monotonic clock in nanoseconds: the one that a stage on the same
    /// machine stamps with.</summary>
    public static class Clock
    {
        public static long NowNs()
        {
            long ticks = Stopwatch.GetTimestamp();
            long whole = ticks / Stopwatch.Frequency;
            long rest = ticks % Stopwatch.Frequency;
            return whole * 1000000000L + rest * 1000000000L / Stopwatch.Frequency;
        }
    }
}
