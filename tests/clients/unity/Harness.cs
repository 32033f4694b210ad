// Drives the engine-free core for the tests: a command a line on stdin, an answer a line on stdout.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Understudy;

internal static partial class Harness
{
    private static Subscriber subscriber;
    private static readonly Frame frame = new Frame();
    private static readonly WireDecoder decoder = new WireDecoder();
    private static readonly List<string> said = new List<string>();
    private static readonly List<StageEvent> happened = new List<StageEvent>();

    private static void Main()
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string line;
        while ((line = Console.ReadLine()) != null)
        {
            string answer;
            try
            {
                answer = Answer(line.Split(' '));
            }
            catch (Exception error)
            {
                answer = "{\"exception\": " + Text(error.ToString()) + "}";
            }
            Console.WriteLine(answer);
            Console.Out.Flush();
        }
        Close();
    }

    private static string Answer(string[] words)
    {
        switch (words[0])
        {
            case "open":
                return Open(words[1], words[2], words[3], words.Length > 4 ? words[4] : "");
            case "close":
                return Close();
            case "receive":
                return subscriber.Receive(frame, int.Parse(words[1])) ? Json(frame) : "null";
            case "skip":
                return Skip(int.Parse(words[1]), int.Parse(words[2]));
            case "trouble":
                return Text(subscriber.Trouble);
            case "happened":
                return Happened();
            case "stats":
                return Json(subscriber.Statistics);
            case "decode":
                return Decode(Bytes(words[1]));
            case "allocated":
                return Allocated(Bytes(words[1]), int.Parse(words[2]));
            default:
                return More(words);
        }
    }

    private static string Happened()
    {
        var all = new List<string>();
        foreach (StageEvent one in happened)
        {
            string[] words = { one.Kind, one.Who, one.Part, one.On, one.OnPart, one.Material, one.OnMaterial };
            float[] p = one.Position, n = one.Normal;
            float[] numbers = { p[0], p[1], p[2], n[0], n[1], n[2], one.Speed, one.Slip, one.Impulse };
            var texts = new List<string>();
            foreach (string word in words)
                texts.Add(Text(word));
            foreach (float number in numbers)
                texts.Add(number.ToString("R"));
            texts.Add(one.TimeNs.ToString());
            texts.Add(one.Number.ToString());
            all.Add("[" + string.Join(", ", texts) + "]");
        }
        return "[" + string.Join(", ", all) + "]";
    }

    private static string Open(string address, string mode, string transport, string key)
    {
        Close();
        said.Clear();
        subscriber = new Subscriber(new SubscriberOptions
        {
            Address = address,
            Newest = mode == "newest",
            Transport = transport == "libzmq" ? Transport.Libzmq : Transport.Managed,
            Curve = key.EndsWith(".key") ? CurveKeys.Read(key) : new CurveKeys { ServerPublic = key, OwnPublic = key, OwnSecret = key },
        });
        subscriber.Said += said.Add;
        happened.Clear();
        subscriber.Happened += happened.Add;
        return "{}";
    }

    private static string Close()
    {
        if (subscriber != null)
            subscriber.Dispose();
        subscriber = null;
        return "{}";
    }

    /// Reads frames without printing them until none comes; answers how many.
    private static string Skip(int most, int timeoutMs)
    {
        int count = 0;
        while (count < most && subscriber.Receive(frame, timeoutMs))
            count++;
        return count.ToString();
    }

    private static string Decode(byte[] message)
    {
        Verdict verdict = decoder.Read(message, message.Length, frame);
        string content = verdict == Verdict.Frame ? Json(frame) : "null";
        return "{\"verdict\": \"" + verdict + "\", \"frame\": " + content + ", \"skeletons\": " + decoder.Skeletons.Count + "}";
    }

    /// Bytes on the managed heap that reading a message again and again costs.
    private static string Allocated(byte[] message, int times)
    {
        for (int i = 0; i < 100; i++)
            decoder.Read(message, message.Length, frame);
        long before = GC.GetTotalMemory(true);
        int collections = GC.CollectionCount(0);
        for (int i = 0; i < times; i++)
            decoder.Read(message, message.Length, frame);
        long after = GC.GetTotalMemory(false);
        return "{\"bytes\": " + (after - before) + ", \"collections\": "
            + (GC.CollectionCount(0) - collections) + "}";
    }

    // ------------------------------------------------------------------ JSON, out only

    private static string Json(Statistics s)
    {
        return "{\"frames\": " + s.Frames + ", \"lost\": " + s.Lost + ", \"passed_over\": " + s.PassedOver
            + ", \"unresolved\": " + s.Unresolved + ", \"malformed\": " + s.Malformed
            + ", \"other_version\": " + s.OtherVersion
            + ", \"restarts\": " + s.Restarts + ", \"reconnects\": " + s.Reconnects
            + ", \"connected\": " + (subscriber.Connected ? "true" : "false")
            + ", \"said\": [" + string.Join(", ", said.ConvertAll(Text)) + "]}";
    }

    private static string Json(Frame f)
    {
        var o = new StringBuilder("{");
        o.Append("\"sequence\": ").Append(f.Sequence);
        o.Append(", \"session\": ").Append(f.Session);
        o.Append(", \"published\": ").Append(f.Published);
        o.Append(", \"capture_ns\": ").Append(f.CaptureNs);
        o.Append(", \"publish_ns\": ").Append(f.PublishNs);
        o.Append(", \"received_ns\": ").Append(f.ReceivedNs);
        o.Append(", \"timecode\": ").Append(Text(f.Timecode));
        o.Append(", \"rate\": [").Append(f.RateNum).Append(", ").Append(f.RateDen).Append("]");
        o.Append(", \"drop_frame\": ").Append(f.DropFrame ? "true" : "false");
        o.Append(", \"stat_names\": [").Append(string.Join(", ", Array.ConvertAll(f.StatNames, Text)));
        o.Append("], \"stat_values\": ").Append(Raw(f.StatValues));
        o.Append(", \"subjects\": [");
        for (int i = 0; i < f.Subjects.Count; i++)
            o.Append(i == 0 ? "" : ", ").Append(Json(f.Subjects[i]));
        o.Append("], \"cameras\": [");
        for (int i = 0; i < f.Cameras.Count; i++)
            o.Append(i == 0 ? "" : ", ").Append(Json(f.Cameras[i]));
        o.Append("], \"props\": [");
        for (int i = 0; i < f.Props.Count; i++)
            o.Append(i == 0 ? "" : ", ").Append(Json(f.Props[i]));
        return o.Append("]}").ToString();
    }

    private static string Json(Subject s)
    {
        return "{\"name\": " + Text(s.Name) + ", \"skeleton\": " + s.Skeleton.Id
            + ", \"joints\": [" + string.Join(", ", Array.ConvertAll(s.Skeleton.Names, Text))
            + "]" + Stated(s.State, s.Reason, s.CaptureNs) + ", \"positions\": " + Raw(s.Positions) + ", \"rotations\": " + Raw(s.Rotations)
            + ", \"contact_joints\": [" + string.Join(", ", s.ContactJoints)
            + "], \"contact_weights\": " + Raw(s.ContactWeights)
            + ", \"trajectory\": " + Raw(s.Trajectory)
            + ", \"curve_names\": [" + string.Join(", ", Array.ConvertAll(s.Skeleton.CurveNames, Text))
            + "], \"curves\": " + Raw(s.Curves)
            + ", \"intent\": " + (s.HasIntent ? Json(s.Intent) : "null")
            + ", \"uncertainty_m\": " + Raw(new[] { s.UncertaintyM }) + "}";
    }

    private static string Json(Intent i)
    {
        return "{\"travel\": " + Raw(new[] { i.TravelX, i.TravelZ }) + ", \"facing\": "
            + Raw(new[] { i.FacingX, i.FacingZ }) + ", \"buttons\": " + i.Buttons
            + ", \"capture_ns\": " + i.CaptureNs + "}";
    }

    private static string Json(StreamCamera c)
    {
        return "{\"name\": " + Text(c.Name) + ", \"position\": " + Raw(c.Position) + ", \"rotation\": "
            + Raw(c.Rotation) + ", \"lens\": " + Raw(new[] { c.FocalMm, c.SensorWidthMm, c.SensorHeightMm,
                c.FocusM, c.Iris }) + Stated(c.State, c.Reason, c.CaptureNs) + "}";
    }

    private static string Json(Prop p)
    {
        return "{\"name\": " + Text(p.Name) + ", \"position\": " + Raw(p.Position) + ", \"rotation\": "
            + Raw(p.Rotation) + Stated(p.State, p.Reason, p.CaptureNs) + "}";
    }

    private static string Stated(SubjectState state, string reason, long captureNs)
    {
        return ", \"state\": " + (int)state + ", \"reason\": " + Text(reason) + ", \"capture_ns\": "
            + captureNs;
    }

    /// The very bytes, so that equal means equal.
    private static string Raw(Array numbers)
    {
        var bytes = new byte[Buffer.ByteLength(numbers)];
        Buffer.BlockCopy(numbers, 0, bytes, 0, bytes.Length);
        return "\"" + (numbers is double[] ? "d" : "f") + Convert.ToBase64String(bytes) + "\"";
    }

    private static string Text(string text)
    {
        var o = new StringBuilder("\"");
        foreach (char c in text)
            if (c == '"' || c == '\\')
                o.Append('\\').Append(c);
            else if (c < 32 || c > 126)
                o.Append("\\u").Append(((int)c).ToString("x4"));
            else
                o.Append(c);
        return o.Append('"').ToString();
    }
}
