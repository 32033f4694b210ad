// NOT COMPILED AGAINST UNITY HERE: the tests compile and run it against small stand-ins of
// UnityEngine's types (tests/clients/unity/stubs). What thinks is in Runtime/Core.

using System;
using UnityEngine;

namespace Understudy
{
    /// <summary>The connection to one stage: one in the scene, used by any number of receivers.
    /// Connects, and again after a restart, by itself.</summary>
    [AddComponentMenu("Understudy/Stage")]
    [DefaultExecutionOrder(-1000)]
    [DisallowMultipleComponent]
    public sealed class UnderstudyStage : MonoBehaviour
    {
        [Tooltip("Where the stage publishes: tcp://HOST:5570")]
        public string address = "tcp://127.0.0.1:5570";

        [Tooltip("Managed needs nothing installed. Libzmq needs libzmq in Plugins, and has CURVE.")]
        public Transport transport = Transport.Managed;

        [Tooltip("Blend between frames, a little in the past; off: the newest frame as it is.")]
        public bool interpolate = true;

        [Tooltip("Seconds in the past; below 0: as much as the measured jitter asks for.")]
        public float delayS = -1f;

        [Tooltip("Go on from the last frame for so many seconds at most, then hold.")]
        [Range(0f, 0.25f)]
        public float mostExtrapolationS = 0.05f;

        [Tooltip("For a stage with --keys: the file that `understudy keys new` made. Libzmq only.")]
        public string keyFile = "";

        [Tooltip("Or what is in it: the stage's public key, 40 letters; empty: no encryption.")]
        public string serverPublicKey = "";
        public string ownPublicKey = "";

        // No key of one's own belongs into a scene file: set it from a script before OnEnable.
        [NonSerialized]
        public string ownSecretKey = "";

        private readonly Frame frame = new Frame();
        private Receiver receiver;
        private string trouble = "";
        private long countedFrames;
        private long countedNs;

        /// <summary>Everybody now, in Unity's space; null before the first frame.</summary>
        public Frame Frame { get; private set; }

        /// <summary>Frames a second that arrive.</summary>
        public float RateHz { get; private set; }

        /// <summary>Since the last frame came, in seconds; infinite before the first.</summary>
        public float SilentS
        {
            get { return receiver == null ? float.PositiveInfinity : (float)receiver.SilentS; }
        }

        /// <summary>How old what is shown is, in seconds, the interpolation's delay included; NaN where
        /// the stage's clock is another machine's.</summary>
        public float AgeS
        {
            get
            {
                double age = Frame == null ? -1 : (Clock.NowNs() - Frame.PublishNs) * 1e-9;
                return age < 0 || age > 60 ? float.NaN : (float)age;
            }
        }

        /// <summary>Counters; null while the component is off.</summary>
        public Statistics Statistics
        {
            get { return receiver == null ? null : receiver.Statistics; }
        }

        /// <summary>Measured delay, jitter and frame time; null while the component is off.</summary>
        public Interpolator Buffer
        {
            get { return receiver == null ? null : receiver.Buffer; }
        }

        /// <summary>One line for people: what comes, or why nothing does.</summary>
        public string Status
        {
            get
            {
                if (receiver == null)
                    return trouble == "" ? "Off." : trouble;
                if (Frame == null || SilentS > 1f)
                    return receiver.Trouble == "" ? "Connected; no frame comes." : receiver.Trouble;
                return string.Format(
                    "{0:0} Hz, timecode {1}, {2:0} ms behind, jitter {3:0.0} ms, lost {4}, restarts {5}",
                    RateHz, Frame.Timecode, interpolate ? Buffer.DelayS * 1e3 : 0, Buffer.JitterS * 1e3,
                    Statistics.Lost, Statistics.Restarts);
            }
        }

        /// <summary>What happens on the stage: steps, blows, cues; on the main thread, as it is told.</summary>
        public event Action<StageEvent> Happened = delegate { };

        public static UnderstudyStage InScene()
        {
#if UNITY_2023_1_OR_NEWER
            return FindFirstObjectByType<UnderstudyStage>();
#else
            return FindObjectOfType<UnderstudyStage>();
#endif
        }

        public void OnEnable()
        {
            trouble = "";
            try
            {
                receiver = new Receiver(new SubscriberOptions
                {
                    Address = address,
                    Transport = transport,
                    Curve = keyFile != "" ? CurveKeys.Read(keyFile) : new CurveKeys
                    {
                        ServerPublic = serverPublicKey,
                        OwnPublic = ownPublicKey,
                        OwnSecret = ownSecretKey,
                    },
                });
            }
            catch (ArgumentException error)
            {
                trouble = error.Message;
                Debug.LogError("Understudy: " + trouble, this);
            }
            countedFrames = 0;
            countedNs = Clock.NowNs();
        }

        public void OnDisable()
        {
            // Before a domain reload too: no thread outlives it.
            if (receiver != null)
                receiver.Dispose();
            receiver = null;
            Frame = null;
        }

        public void Update()
        {
            if (receiver == null)
                return;
            receiver.Buffer.FixedDelayS = delayS;
            receiver.Buffer.MostExtrapolationS = mostExtrapolationS;
            Frame = receiver.Sample(frame, interpolate) ? frame : null;
            string sentence;
            while ((sentence = receiver.TakeSentence()) != null)
                Debug.Log("Understudy: " + sentence, this);
            StageEvent happened;
            while ((happened = receiver.TakeEvent()) != null)
                Happened(happened);
            long now = Clock.NowNs();
            if (now - countedNs < 1000000000L)
                return;
            RateHz = (receiver.Statistics.Frames - countedFrames) * 1e9f / (now - countedNs);
            countedFrames = receiver.Statistics.Frames;
            countedNs = now;
        }
    }
}
