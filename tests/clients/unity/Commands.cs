// What the tests ask of the parts that need no stage.

using System;
using System.Collections.Generic;
using System.Reflection;
using Understudy;

internal static partial class Harness
{
    private static Interpolator interpolator = new Interpolator();
    private static readonly Skeleton chain = new Skeleton
    {
        Id = 1, Names = new[] { "a", "b" }, Parents = new[] { -1, 0 }, CurveNames = new[] { "jawOpen" },
    };

    private static string More(string[] words)
    {
        switch (words[0])
        {
            case "convert":
                return Converted(words[1], Floats(words[2]));
            case "buffer":
                return NewBuffer(double.Parse(words[1]), double.Parse(words[2]));
            case "add":
                return Add(ulong.Parse(words[1]), long.Parse(words[2]), long.Parse(words[3]), Floats(words[4]));
            case "sample":
                return interpolator.Sample(long.Parse(words[1]), frame) ? Sampled() : "null";
            case "at":
                interpolator.SampleAt(long.Parse(words[1]), frame);
                return Sampled();
            case "measured":
                return "{\"delay\": " + interpolator.DelayS.ToString("r") + ", \"jitter\": "
                    + interpolator.JitterS.ToString("r") + ", \"interval\": "
                    + interpolator.IntervalS.ToString("r") + ", \"extrapolated\": " + interpolator.Extrapolated
                    + ", \"held\": " + interpolator.Held + ", \"out_of_order\": " + interpolator.OutOfOrder + "}";
            case "roles":
                return Roles(words[1].Split(','), Array.ConvertAll(words[2].Split(','), int.Parse));
            case "faces":
                return "[" + string.Join(", ", FaceShapes.Match(words[1].Split(','), words[2].Split(','))) + "]";
            case "timecode":
                return TimecodeOf(words[1], uint.Parse(words[2]), uint.Parse(words[3]));
            case "retarget":
                return Retargeted(ulong.Parse(words[1]), words[2], Floats(words[3]), Floats(words[4]));
            case "receiver":
                return ReceiverOf(words[1], int.Parse(words[2]));
            case "references":
                return References();
            default:
                return InScene(words);
        }
    }

    /// Base64; "=" stands for none, as a word cannot be empty.
    private static byte[] Bytes(string text)
    {
        return text == "=" ? new byte[0] : Convert.FromBase64String(text);
    }

    private static float[] Floats(string text)
    {
        byte[] bytes = Bytes(text);
        var numbers = new float[bytes.Length / 4];
        Buffer.BlockCopy(bytes, 0, numbers, 0, bytes.Length);
        return numbers;
    }

    private static string Converted(string what, float[] numbers)
    {
        if (what == "positions")
            UnitySpace.Positions(numbers);
        else if (what == "rotations")
            UnitySpace.Rotations(numbers);
        else
            UnitySpace.CameraRotation(numbers);
        return "{\"numbers\": " + Raw(numbers) + "}";
    }

    private static string NewBuffer(double fixedDelayS, double mostExtrapolationS)
    {
        interpolator = new Interpolator
        {
            FixedDelayS = fixedDelayS, MostExtrapolationS = mostExtrapolationS,
        };
        return "{}";
    }

    /// A frame of one subject with two joints and a curve: 3 + 3 and 4 + 4 numbers and one.
    private static string Add(ulong session, long publishNs, long receivedNs, float[] numbers)
    {
        var one = new Frame { Session = session, PublishNs = publishNs, ReceivedNs = receivedNs };
        Subject subject = one.Subjects.Add();
        subject.Name = "Ann";
        subject.Skeleton = chain;
        subject.Positions = Part(numbers, 0, 6);
        subject.Rotations = Part(numbers, 6, 8);
        subject.Curves = Part(numbers, 14, 1);
        StreamCamera camera = one.Cameras.Add();
        camera.Name = "A";
        camera.Position = Part(numbers, 0, 3);
        camera.Rotation = Part(numbers, 6, 4);
        camera.FocalMm = 35 + numbers[14];
        interpolator.Add(one);
        return "{}";
    }

    private static float[] Part(float[] numbers, int start, int count)
    {
        var part = new float[count];
        Array.Copy(numbers, start, part, 0, count);
        return part;
    }

    private static string Sampled()
    {
        return Json(frame);
    }

    private static string Roles(string[] names, int[] parents)
    {
        var o = new List<string>();
        foreach (KeyValuePair<string, int> role in HumanRoles.Find(names, parents))
            o.Add("\"" + role.Key + "\": " + role.Value);
        return "{" + string.Join(", ", o) + "}";
    }

    private static string TimecodeOf(string text, uint num, uint den)
    {
        Timecode code;
        return Timecode.TryParse(text, out code)
            ? "[" + code.Hours + ", " + code.Minutes + ", " + code.Seconds + ", " + code.Frames + ", "
                + (code.DropFrame ? "true" : "false") + ", " + code.TotalFrames(num, den) + "]"
            : "null";
    }

    /// A skeleton that was decoded before, onto a rig: ROLE=joint,... with 7 numbers a bone; the pose is
    /// positions then rotations, in Unity's space.
    private static string Retargeted(ulong id, string bones, float[] rest, float[] pose)
    {
        Skeleton skeleton = decoder.Skeletons[id];
        var rig = new RigAtRest();
        string[] all = bones.Split(',');
        for (int b = 0; b < all.Length; b++)
        {
            string[] pair = all[b].Split('=');
            int at = 7 * b;
            rig.Add(int.Parse(pair[1]), pair[0], new Vec(rest[at], rest[at + 1], rest[at + 2]),
                new Quat(rest[at + 3], rest[at + 4], rest[at + 5], rest[at + 6]));
        }
        var retarget = new Retarget(skeleton, rig);
        retarget.Apply(Part(pose, 0, 3 * skeleton.Count), Part(pose, 3 * skeleton.Count, 4 * skeleton.Count));
        return "{\"rotations\": " + Raw(retarget.Rotations) + ", \"position\": " + Raw(retarget.HipsPosition)
            + ", \"scale\": " + retarget.Scale.ToString("r") + "}";
    }

    /// Samples a live stage through the receiver's thread as a display would, and answers what it saw.
    private static string ReceiverOf(string address, int samples)
    {
        var sampled = new Frame();
        long before = long.MinValue;
        int backwards = 0, got = 0;
        using (var receiver = new Receiver(new SubscriberOptions { Address = address }))
        {
            long until = Clock.NowNs() + 30000000000L;
            while (got < samples && Clock.NowNs() < until)
            {
                System.Threading.Thread.Sleep(4);
                if (!receiver.Sample(sampled, true))
                    continue;
                got++;
                if (sampled.PublishNs < before)
                    backwards++;
                before = sampled.PublishNs;
            }
            return "{\"samples\": " + got + ", \"backwards\": " + backwards + ", \"delay\": "
                + receiver.Buffer.DelayS.ToString("r") + ", \"interval\": "
                + receiver.Buffer.IntervalS.ToString("r") + ", \"jitter\": "
                + receiver.Buffer.JitterS.ToString("r") + ", \"extrapolated\": "
                + receiver.Buffer.Extrapolated + ", \"held\": " + receiver.Buffer.Held + ", \"frames\": "
                + receiver.Statistics.Frames + ", \"sentence\": " + Text(receiver.TakeSentence() ?? "") + "}";
        }
    }

    /// What the core's types live in and lean on.
    private static string References()
    {
        var names = new List<string>();
        foreach (AssemblyName name in typeof(Subscriber).Assembly.GetReferencedAssemblies())
            names.Add(Text(name.Name));
        return "[" + string.Join(", ", names) + "]";
    }
}
