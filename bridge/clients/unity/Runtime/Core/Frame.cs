// What crosses the wire, as it came: right-handed, +Y up, +Z forward, metres, quaternions x y z w,
// joints local to their parents, the root's in the world. UnitySpace converts.

using System.Collections.Generic;

namespace Understudy
{
    /// <summary>Who moves a subject, a camera or a prop.</summary>
    public enum SubjectState : byte
    {
        /// <summary>Its source does.</summary>
        Live = 0,

        /// <summary>The network does, or moves a part of it, because the source is silent.</summary>
        Takeover = 1,

        /// <summary>Nobody does: the last pose is held.</summary>
        Hold = 2,

        /// <summary>Nobody does, and for longer than the stage's limit.</summary>
        Lost = 3,
    }

    /// <summary>A joint hierarchy at rest, parents before children. One object for one id.</summary>
    public sealed class Skeleton
    {
        public ulong Id;
        public string[] Names;
        public int[] Parents;
        public double[] RestPositions;
        public double[] RestRotations;

        /// <summary>3 a joint: where the bone of a leaf ends, NaN where there is none.</summary>
        public double[] Tips;

        /// <summary>Names of Subject.Curves: face shapes and the like.</summary>
        public string[] CurveNames;

        /// <summary>The character whose skeleton it is; empty for a bare body.</summary>
        public string Character;

        public int Count
        {
            get { return Names.Length; }
        }
    }

    /// <summary>What the pad asks of a subject, in world axes.</summary>
    public struct Intent
    {
        public float TravelX;
        public float TravelZ;
        public float FacingX;
        public float FacingZ;

        /// <summary>Bits, lowest first: run, strafe, jump, action1 to action4, mirror, action5 to action20.</summary>
        public uint Buttons;

        public long CaptureNs;
    }

    /// <summary>One character in one frame.</summary>
    public sealed class Subject
    {
        public string Name = "";
        public Skeleton Skeleton;
        public SubjectState State;
        public string Reason = "";

        /// <summary>3 a joint.</summary>
        public float[] Positions = Empty.Floats;

        /// <summary>4 a joint.</summary>
        public float[] Rotations = Empty.Floats;

        /// <summary>Joints that may touch the ground, and how firmly each does, 0..1.</summary>
        public ushort[] ContactJoints = Empty.Shorts;
        public float[] ContactWeights = Empty.Floats;

        /// <summary>Root path, past first: x, z, facing x, facing z a point.</summary>
        public float[] Trajectory = Empty.Floats;

        public bool HasIntent;
        public Intent Intent;

        /// <summary>Values of the skeleton's CurveNames; empty where the stage sends none.</summary>
        public float[] Curves = Empty.Floats;

        /// <summary>How far the network expects the body to be from where its source would have
        /// it; 0 when live.</summary>
        public float UncertaintyM;

        /// <summary>When its newest input was read, by the stage's clock; 0: not known.</summary>
        public long CaptureNs;
    }

    /// <summary>A camera: looks along its own -Z, +Y up.</summary>
    public sealed class StreamCamera
    {
        public string Name = "";
        public float[] Position = new float[3];
        public float[] Rotation = { 0, 0, 0, 1 };
        public float FocalMm;
        public float SensorWidthMm;
        public float SensorHeightMm;

        /// <summary>Distance in focus; 0: unknown.</summary>
        public float FocusM;

        /// <summary>f-number; 0: unknown.</summary>
        public float Iris;

        /// <summary>Hold: it stays where it was last seen, and Reason says why.</summary>
        public SubjectState State;
        public string Reason = "";
        public long CaptureNs;
    }

    /// <summary>A rigid thing in the world.</summary>
    public sealed class Prop
    {
        public string Name = "";
        public float[] Position = new float[3];
        public float[] Rotation = { 0, 0, 0, 1 };

        /// <summary>Hold: it stays where it was last seen, and Reason says why.</summary>
        public SubjectState State;
        public string Reason = "";
        public long CaptureNs;
    }

    /// <summary>Something that happened at a moment: a step, a prop that falls, a cue.</summary>
    public sealed class StageEvent
    {
        /// <summary>Counted by the stage: a gap is loss.</summary>
        public ulong Number;

        /// <summary>step, scuff, lift, touch, hit, slide, grab, release, cue ...</summary>
        public string Kind = "";

        /// <summary>The subject or prop that did it, and its joint; of a cue its name.</summary>
        public string Who = "", Part = "";

        /// <summary>What was touched: "floor", a prop, a subject, and its joint.</summary>
        public string On = "", OnPart = "";
        public string Material = "", OnMaterial = "";

        /// <summary>In the stage's axes until a Receiver gives it out; then in Unity's.</summary>
        public readonly float[] Position = new float[3];

        /// <summary>Away from what was touched.</summary>
        public readonly float[] Normal = new float[3];

        /// <summary>Metres a second at which they met, and along the surface.</summary>
        public float Speed, Slip;

        /// <summary>Newton seconds; 0: not known.</summary>
        public float Impulse;

        /// <summary>When it happens, on the stage's clock; of what is foretold later than now.</summary>
        public long TimeNs;
    }

    /// <summary>Everybody at one tick. A frame is filled again and again without allocating, so copy
    /// what is to be kept.</summary>
    public sealed class Frame
    {
        public ulong Sequence;
        public ulong Session;
        public ulong Published;
        public long CaptureNs;
        public long PublishNs;

        /// <summary>When it arrived, by this machine's monotonic clock.</summary>
        public long ReceivedNs;

        /// <summary>SMPTE text; Understudy.Timecode reads it.</summary>
        public string Timecode = "";
        public uint RateNum;
        public uint RateDen;
        public bool DropFrame;

        public readonly Pool<Subject> Subjects = new Pool<Subject>();
        public readonly Pool<StreamCamera> Cameras = new Pool<StreamCamera>();
        public readonly Pool<Prop> Props = new Pool<Prop>();
        public string[] StatNames = Empty.Strings;
        public double[] StatValues = Empty.Doubles;

        /// <summary>The subject of that name, "" for the first; null where there is none.</summary>
        public Subject Find(string name)
        {
            for (int i = 0; i < Subjects.Count; i++)
                if (string.IsNullOrEmpty(name) || Subjects[i].Name == name)
                    return Subjects[i];
            return null;
        }

        /// <summary>The camera of that name, "" for the first; null where there is none.</summary>
        public StreamCamera FindCamera(string name)
        {
            for (int i = 0; i < Cameras.Count; i++)
                if (string.IsNullOrEmpty(name) || Cameras[i].Name == name)
                    return Cameras[i];
            return null;
        }
    }

    /// <summary>A list whose members outlive its shrinking, so that filling it again costs no
    /// memory.</summary>
    public sealed class Pool<T>
        where T : class, new()
    {
        private readonly List<T> items = new List<T>();

        public int Count { get; private set; }

        public T this[int index]
        {
            get { return items[index]; }
        }

        public T Add()
        {
            if (Count == items.Count)
                items.Add(new T());
            return items[Count++];
        }

        public void RemoveLast()
        {
            Count--;
        }

        public void Clear()
        {
            Count = 0;
        }
    }

    internal static class Empty
    {
        public static readonly float[] Floats = new float[0];
        public static readonly double[] Doubles = new double[0];
        public static readonly ushort[] Shorts = new ushort[0];
        public static readonly string[] Strings = new string[0];
    }
}
