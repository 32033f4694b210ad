// A stage read on a thread of its own, so that a slow frame of the engine delays no message.

using System;
using System.Collections.Generic;
using System.Threading;

namespace Understudy
{
    public sealed class Receiver : IDisposable
    {
        private const int WaitMs = 100;
        private const int MostSentences = 64;
        private const int MostEvents = 1024;

        private readonly Subscriber subscriber;
        private readonly Thread thread;
        private readonly Queue<string> sentences = new Queue<string>();
        private readonly Queue<StageEvent> events = new Queue<StageEvent>();
        private volatile bool closing;

        public readonly Interpolator Buffer = new Interpolator();

        public Receiver(SubscriberOptions options)
        {
            subscriber = new Subscriber(options);
            subscriber.Said += Say;
            subscriber.Happened += Hear;
            thread = new Thread(Run) { IsBackground = true, Name = "Understudy " + options.Address };
            thread.Start();
        }

        public Statistics Statistics
        {
            get { return subscriber.Statistics; }
        }

        public bool Connected
        {
            get { return subscriber.Connected; }
        }

        public string Trouble
        {
            get { return subscriber.Trouble; }
        }

        /// <summary>Seconds since the last frame came; infinite before the first.</summary>
        public double SilentS
        {
            get
            {
                long last = Buffer.LastReceivedNs;
                return last == 0 ? double.PositiveInfinity : (Clock.NowNs() - last) * 1e-9;
            }
        }

        /// <summary>The stage now, in Unity's space; false before the first frame.</summary>
        public bool Sample(Frame into, bool interpolate)
        {
            bool any = interpolate ? Buffer.Sample(Clock.NowNs(), into) : Buffer.Newest(into);
            if (any)
                UnitySpace.Convert(into);
            return any;
        }

        /// <summary>The next sentence for the user; null when there is none.</summary>
        public string TakeSentence()
        {
            lock (sentences)
                return sentences.Count > 0 ? sentences.Dequeue() : null;
        }

        /// <summary>What happened next, in Unity's space; null when there is no more.</summary>
        public StageEvent TakeEvent()
        {
            StageEvent next;
            lock (events)
                next = events.Count > 0 ? events.Dequeue() : null;
            if (next != null)
            {
                UnitySpace.Positions(next.Position);
                UnitySpace.Positions(next.Normal);
            }
            return next;
        }

        private void Hear(StageEvent happened)
        {
            lock (events)
                if (events.Count < MostEvents)
                    events.Enqueue(happened);
        }

        private void Say(string sentence)
        {
            lock (sentences)
                if (sentences.Count < MostSentences)
                    sentences.Enqueue(sentence);
        }

        private void Run()
        {
            var next = new Frame();
            try
            {
                while (!closing)
                    if (subscriber.Receive(next, WaitMs))
                        next = Buffer.Add(next);
            }
            catch (Exception error)
            {
                Say("Reading the stage ended: " + error.Message);
            }
            finally
            {
                subscriber.Dispose();
            }
        }

        public void Dispose()
        {
            closing = true;
            thread.Join(2000);
        }
    }
}
