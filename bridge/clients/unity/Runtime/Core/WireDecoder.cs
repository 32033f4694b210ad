// Messages into skeletons and frames. Schema version 1, docs/wire.md and bridge/schema/understudy.fbs.

using System;
using System.Collections.Generic;

namespace Understudy
{
    /// <summary>What became of a message.</summary>
    public enum Verdict
    {
        Frame,
        Skeletons,

        /// <summary>Events has what happened.</summary>
        Events,

        /// <summary>A sound frame with a subject whose skeleton has not come.</summary>
        Unresolved,

        /// <summary>None of ours, or damaged.</summary>
        Malformed,

        /// <summary>Ours, by another version of the schema.</summary>
        OtherVersion,
    }

    /// <summary>Reads messages; keeps the skeletons they brought. Never throws on what it
    /// reads.</summary>
    public sealed class WireDecoder
    {
        public const uint SchemaVersion = 1;
        private const int Envelope = 8;
        private const int MostSkeletons = 4096;
        private const int MostJoints = 16384;

        private readonly FlatReader reader = new FlatReader();

        /// <summary>Those of the last message of events.</summary>
        public readonly List<StageEvent> Events = new List<StageEvent>();

        public readonly Dictionary<ulong, Skeleton> Skeletons = new Dictionary<ulong, Skeleton>();

        /// <summary>Version of the last message that was another's.</summary>
        public uint SeenVersion { get; private set; }

        /// <summary>Whether a message begins as a frame does.</summary>
        public static bool IsFrame(byte[] message, int length)
        {
            return length >= 4 && message[0] == 'F' && message[1] == 'R' && message[2] == 'A'
                && message[3] == 'M';
        }

        private static bool IsEvents(byte[] message)
        {
            return message[0] == 'E' && message[1] == 'V' && message[2] == 'N' && message[3] == 'T';
        }

        private static bool IsSkeletons(byte[] message)
        {
            return message[0] == 'S' && message[1] == 'K' && message[2] == 'E' && message[3] == 'L';
        }

        /// <summary>Reads a message of `length` bytes; a frame goes into `into`, which holds nothing
        /// of use unless the verdict is Frame (Unresolved: its origin).</summary>
        public Verdict Read(byte[] message, int length, Frame into)
        {
            if (length < Envelope || message.Length < length)
                return Verdict.Malformed;
            bool frame = IsFrame(message, length), events = IsEvents(message);
            if (!frame && !events && !IsSkeletons(message))
                return Verdict.Malformed;
            uint version = BitConverter.ToUInt32(message, 4);
            if (version != SchemaVersion)
            {
                SeenVersion = version;
                return Verdict.OtherVersion;
            }
            FlatReader.Table root = reader.Open(message, length, Envelope);
            if (reader.Damaged)
                return Verdict.Malformed;
            if (events)
                return ReadEvents(root);
            return frame ? ReadFrame(root, into) : ReadSkeletons(root);
        }

        private Verdict ReadEvents(FlatReader.Table root)
        {
            Events.Clear();
            FlatReader.Vector all = reader.Children(root, 3);
            for (int i = 0; i < all.Count && !reader.Damaged; i++)
            {
                FlatReader.Table one = reader.Child(all, i);
                var happened = new StageEvent
                {
                    Number = reader.ULong(one, 0),
                    Kind = reader.Text(one, 1, ""),
                    Who = reader.Text(one, 2, ""),
                    Part = reader.Text(one, 3, ""),
                    On = reader.Text(one, 4, ""),
                    OnPart = reader.Text(one, 5, ""),
                    Material = reader.Text(one, 6, ""),
                    OnMaterial = reader.Text(one, 7, ""),
                    Speed = reader.Float(one, 10),
                    Slip = reader.Float(one, 11),
                    Impulse = reader.Float(one, 12),
                    TimeNs = reader.Long(one, 13),
                };
                reader.Struct(one, 8, happened.Position);
                reader.Struct(one, 9, happened.Normal);
                if (!AreFinite(happened.Position) || !AreFinite(happened.Normal)
                    || !IsFinite(happened.Speed) || !IsFinite(happened.Slip)
                    || !IsFinite(happened.Impulse))
                    return Verdict.Malformed;
                Events.Add(happened);
            }
            return reader.Damaged ? Verdict.Malformed : Verdict.Events;
        }

        private Verdict ReadSkeletons(FlatReader.Table root)
        {
            FlatReader.Vector all = reader.Children(root, 0);
            var read = new List<Skeleton>();
            for (int i = 0; i < all.Count && !reader.Damaged; i++)
            {
                Skeleton skeleton = ReadSkeleton(reader.Child(all, i));
                if (skeleton == null)
                    return Verdict.Malformed;
                read.Add(skeleton);
            }
            if (reader.Damaged)
                return Verdict.Malformed;
            if (Skeletons.Count + read.Count > MostSkeletons)
                Skeletons.Clear();
            // One object for one skeleton for good: others key their bindings by it.
            foreach (Skeleton skeleton in read)
                if (!Skeletons.ContainsKey(skeleton.Id))
                    Skeletons.Add(skeleton.Id, skeleton);
            return Verdict.Skeletons;
        }

        private Skeleton ReadSkeleton(FlatReader.Table table)
        {
            var skeleton = new Skeleton { Id = reader.ULong(table, 0) };
            reader.Texts(table, 1, ref skeleton.Names);
            reader.Numbers(table, 2, 4, ref skeleton.Parents);
            reader.Numbers(table, 3, 8, ref skeleton.RestPositions);
            reader.Numbers(table, 4, 8, ref skeleton.RestRotations);
            reader.Numbers(table, 5, 8, ref skeleton.Tips);
            reader.Texts(table, 6, ref skeleton.CurveNames);
            skeleton.Character = reader.Text(table, 7, null);
            return !reader.Damaged && IsSound(skeleton) ? skeleton : null;
        }

        private static bool IsSound(Skeleton skeleton)
        {
            int joints = skeleton.Names.Length;
            if (joints == 0 || joints > MostJoints || skeleton.Parents.Length != joints
                || skeleton.RestPositions.Length != 3 * joints
                || skeleton.RestRotations.Length != 4 * joints || skeleton.Tips.Length != 3 * joints)
                return false;
            if (!AreFinite(skeleton.RestPositions) || !AreFinite(skeleton.RestRotations))
                return false;
            if (skeleton.Parents[0] != -1 || new HashSet<string>(skeleton.Names).Count != joints)
                return false;
            for (int j = 1; j < joints; j++)
                if (skeleton.Parents[j] < 0 || skeleton.Parents[j] >= j)
                    return false;
            return true;
        }

        private Verdict ReadFrame(FlatReader.Table table, Frame frame)
        {
            frame.Sequence = reader.ULong(table, 0);
            frame.Session = reader.ULong(table, 1);
            frame.Published = reader.ULong(table, 2);
            frame.CaptureNs = reader.Long(table, 3);
            frame.PublishNs = reader.Long(table, 4);
            frame.Timecode = reader.Text(table, 5, frame.Timecode);
            frame.RateNum = reader.UInt(table, 6);
            frame.RateDen = reader.UInt(table, 7);
            frame.DropFrame = reader.Byte(table, 8) != 0;
            reader.Texts(table, 12, ref frame.StatNames);
            reader.Numbers(table, 13, 8, ref frame.StatValues);
            if (frame.StatNames.Length != frame.StatValues.Length)
                return Verdict.Malformed;
            Verdict verdict = ReadSubjects(table, frame);
            bool sound = ReadCameras(table, frame) && ReadProps(table, frame);
            return reader.Damaged || !sound ? Verdict.Malformed : verdict;
        }

        private Verdict ReadSubjects(FlatReader.Table table, Frame frame)
        {
            frame.Subjects.Clear();
            FlatReader.Vector all = reader.Children(table, 9);
            bool known = true;
            for (int i = 0; i < all.Count && !reader.Damaged; i++)
            {
                Subject subject = frame.Subjects.Add();
                FlatReader.Table one = reader.Child(all, i);
                if (!Skeletons.TryGetValue(reader.ULong(one, 1), out subject.Skeleton))
                {
                    known = false;
                    frame.Subjects.RemoveLast();
                    continue;
                }
                if (!ReadSubject(one, subject))
                    return Verdict.Malformed;
            }
            return known ? Verdict.Frame : Verdict.Unresolved;
        }

        private bool ReadSubject(FlatReader.Table table, Subject subject)
        {
            int joints = subject.Skeleton.Count;
            byte state = reader.Byte(table, 2);
            subject.Name = reader.Text(table, 0, subject.Name);
            subject.State = (SubjectState)state;
            subject.Reason = reader.Text(table, 3, subject.Reason);
            reader.Numbers(table, 4, 4, ref subject.Positions);
            reader.Numbers(table, 5, 4, ref subject.Rotations);
            reader.Numbers(table, 6, 2, ref subject.ContactJoints);
            reader.Numbers(table, 7, 4, ref subject.ContactWeights);
            reader.Numbers(table, 8, 4, ref subject.Trajectory);
            FlatReader.Table intent = reader.Child(table, 9);
            subject.HasIntent = intent.Present;
            subject.Intent = intent.Present ? ReadIntent(intent) : default(Intent);
            reader.Numbers(table, 10, 4, ref subject.Curves);
            subject.UncertaintyM = reader.Float(table, 11);
            subject.CaptureNs = reader.Long(table, 12);
            if (reader.Damaged || !IsState(state)
                || subject.Positions.Length != 3 * joints || subject.Rotations.Length != 4 * joints
                || subject.ContactJoints.Length != subject.ContactWeights.Length
                || subject.Trajectory.Length % 4 != 0)
                return false;
            foreach (ushort joint in subject.ContactJoints)
                if (joint >= joints)
                    return false;
            // The stage never sends one; a pose with a hole in it would spoil what it is blended into.
            if (!AreFinite(subject.Positions) || !AreFinite(subject.Rotations)
                || !AreFinite(subject.ContactWeights) || !AreFinite(subject.Trajectory)
                || !AreFinite(subject.Curves) || !IsFinite(subject.UncertaintyM)
                || !IsFinite(subject.Intent))
                return false;
            return subject.Curves.Length == 0
                || subject.Curves.Length == subject.Skeleton.CurveNames.Length;
        }

        private readonly float[] two = new float[2];

        private Intent ReadIntent(FlatReader.Table table)
        {
            var intent = new Intent { Buttons = reader.UInt(table, 2), CaptureNs = reader.Long(table, 3) };
            reader.Struct(table, 0, two);
            intent.TravelX = two[0];
            intent.TravelZ = two[1];
            reader.Struct(table, 1, two);
            intent.FacingX = two[0];
            intent.FacingZ = two[1];
            return intent;
        }

        private static bool IsState(byte state)
        {
            return state <= (byte)SubjectState.Lost;
        }

        private bool ReadCameras(FlatReader.Table table, Frame frame)
        {
            frame.Cameras.Clear();
            FlatReader.Vector all = reader.Children(table, 10);
            for (int i = 0; i < all.Count && !reader.Damaged; i++)
            {
                StreamCamera camera = frame.Cameras.Add();
                FlatReader.Table one = reader.Child(all, i);
                byte state = reader.Byte(one, 8);
                camera.Name = reader.Text(one, 0, camera.Name);
                reader.Struct(one, 1, camera.Position);
                reader.Rotation(one, 2, camera.Rotation);
                camera.FocalMm = reader.Float(one, 3);
                camera.SensorWidthMm = reader.Float(one, 4);
                camera.SensorHeightMm = reader.Float(one, 5);
                camera.FocusM = reader.Float(one, 6);
                camera.Iris = reader.Float(one, 7);
                camera.State = (SubjectState)state;
                camera.Reason = reader.Text(one, 9, camera.Reason);
                camera.CaptureNs = reader.Long(one, 10);
                if (!IsState(state) || !AreFinite(camera.Position) || !AreFinite(camera.Rotation)
                    || !IsFinite(camera.FocalMm + camera.SensorWidthMm + camera.SensorHeightMm
                        + camera.FocusM + camera.Iris))
                    return false;
            }
            return true;
        }

        private bool ReadProps(FlatReader.Table table, Frame frame)
        {
            frame.Props.Clear();
            FlatReader.Vector all = reader.Children(table, 11);
            for (int i = 0; i < all.Count && !reader.Damaged; i++)
            {
                Prop prop = frame.Props.Add();
                FlatReader.Table one = reader.Child(all, i);
                byte state = reader.Byte(one, 3);
                prop.Name = reader.Text(one, 0, prop.Name);
                reader.Struct(one, 1, prop.Position);
                reader.Rotation(one, 2, prop.Rotation);
                prop.State = (SubjectState)state;
                prop.Reason = reader.Text(one, 4, prop.Reason);
                prop.CaptureNs = reader.Long(one, 5);
                if (!IsState(state) || !AreFinite(prop.Position) || !AreFinite(prop.Rotation))
                    return false;
            }
            return true;
        }

        private static bool IsFinite(float number)
        {
            return number * 0f == 0f;
        }

        private static bool IsFinite(Intent intent)
        {
            return IsFinite(intent.TravelX) && IsFinite(intent.TravelZ) && IsFinite(intent.FacingX)
                && IsFinite(intent.FacingZ);
        }

        private static bool AreFinite(double[] numbers)
        {
            foreach (double number in numbers)
                if (number * 0.0 != 0.0)
                    return false;
            return true;
        }

        private static bool AreFinite(float[] numbers)
        {
            // NaN and infinities stay what they are under a factor of 0; finite ones give 0.
            float sum = 0;
            for (int i = 0; i < numbers.Length; i++)
                sum += numbers[i] * 0f;
            return sum == 0f;
        }
    }
}
