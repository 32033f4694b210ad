// Frames in, from a stage that runs here or elsewhere, now or later.

using System;

namespace Understudy
{
    public enum Transport
    {
        /// <summary>ZeroMQ's protocol in C#: nothing to install, every platform with TCP.</summary>
        Managed,

        /// <summary>libzmq, which has to lie in the project's Plugins: for CURVE keys.</summary>
        Libzmq,
    }

    public sealed class SubscriberOptions
    {
        public string Address = "tcp://127.0.0.1:5570";
        public Transport Transport = Transport.Managed;

        /// <summary>Give only the newest frame that has come: after a pause the next one is
        /// fresh.</summary>
        public bool Newest;

        /// <summary>Keys of an encrypted stage; Libzmq only.</summary>
        public CurveKeys Curve = new CurveKeys();
    }

    /// <summary>What a subscriber has seen.</summary>
    public sealed class Statistics
    {
        /// <summary>Frames given out.</summary>
        public long Frames;

        /// <summary>Frames that the publisher sent and that never came.</summary>
        public long Lost;

        /// <summary>Frames left out for a newer one, where the newest is asked for.</summary>
        public long PassedOver;

        /// <summary>Frames left out because their skeleton had not come.</summary>
        public long Unresolved;

        /// <summary>Messages that were none of ours, damaged, or with a number that is not
        /// finite.</summary>
        public long Malformed;

        /// <summary>Messages of another schema version.</summary>
        public long OtherVersion;

        /// <summary>How often the publisher began anew.</summary>
        public long Restarts;

        /// <summary>How often the connection was made again.</summary>
        public long Reconnects;
    }

    /// <summary>Reads a stage. For one thread; Receiver runs it on its own.</summary>
    public sealed class Subscriber : IDisposable
    {
        private readonly SubscriberOptions options;
        private readonly WireDecoder decoder = new WireDecoder();
        private readonly ISubscriberSocket socket;
        private byte[] message = new byte[64 << 10];
        private byte[] waiting = new byte[64 << 10];
        private int waitingLength = -1;
        private bool followed;
        private ulong session;
        private ulong published;
        private bool toldVersion;
        private bool wasConnected;
        private string saidTrouble = "";

        public readonly Statistics Statistics = new Statistics();

        /// <summary>Sentences for the user: connected, lost, restarted, another version.</summary>
        public event Action<string> Said = delegate { };

        /// <summary>What happens on the stage, told while Receive reads.</summary>
        public event Action<StageEvent> Happened = delegate { };

        public Subscriber(SubscriberOptions options)
        {
            this.options = options;
            if (options.Transport == Transport.Managed && options.Curve != null && options.Curve.Given)
                throw new ArgumentException(
                    "CURVE keys need libzmq: choose the Libzmq transport and put libzmq into Plugins.");
            if (options.Transport == Transport.Libzmq && !LibzmqSocket.Available)
                throw new ArgumentException(
                    "libzmq is not in the project's Plugins; put it there or choose the Managed transport.");
            if (options.Transport == Transport.Managed)
                socket = new ZmtpSocket(options.Address, "");
            else
                socket = new LibzmqSocket(options.Address, options.Newest, options.Curve);
        }

        public bool Connected
        {
            get { return socket.Connected; }
        }

        public string Trouble
        {
            get { return socket.Trouble; }
        }

        /// <summary>The next frame, or the newest, waited for at most so long; false when none
        /// came.</summary>
        public bool Receive(Frame into, int timeoutMs)
        {
            long deadline = Clock.NowNs() + timeoutMs * 1000000L;
            while (true)
            {
                long left = Math.Max(0, (deadline - Clock.NowNs() + 999999) / 1000000);
                int length = socket.Receive(ref message, (int)left);
                long receivedNs = Clock.NowNs();
                Watch();
                if (length >= 0 && options.Newest)
                    length = Drain(length);
                if (length >= 0 && Take(length, receivedNs, into))
                    return true;
                if (length < 0 && left == 0)
                    return false;
            }
        }

        /// <summary>Reads on while more has come: the last frame is left in `message`. What lies before
        /// it is looked at only where it is no frame.</summary>
        private int Drain(int length)
        {
            byte[] next = spare;
            while (true)
            {
                int more = socket.Receive(ref next, 0);
                spare = next;
                if (more < 0)
                    return length;
                if (WireDecoder.IsFrame(message, length))
                {
                    if (!WireDecoder.IsFrame(next, more))
                    {
                        Take(next, more, null);
                        continue;
                    }
                }
                else
                {
                    Take(message, length, null);
                }
                spare = message;
                message = next;
                next = spare;
                length = more;
            }
        }

        private byte[] spare = new byte[64 << 10];
        private readonly Frame nobodys = new Frame();

        private bool Take(int length, long receivedNs, Frame into)
        {
            into.ReceivedNs = receivedNs;
            if (Take(message, length, into))
                return true;
            // Skeletons have come, perhaps those that a frame waits for.
            if (waitingLength < 0 || WireDecoder.IsFrame(message, length))
                return false;
            if (decoder.Read(waiting, waitingLength, into) != Verdict.Frame)
                return false;
            waitingLength = -1;
            Follow(into);
            Statistics.Frames++;
            return true;
        }

        /// <summary>Takes one message; true when it was a frame and can be used.</summary>
        private bool Take(byte[] bytes, int length, Frame into)
        {
            Verdict verdict = decoder.Read(bytes, length, into ?? nobodys);
            switch (verdict)
            {
                case Verdict.Frame:
                    waitingLength = -1;
                    Follow(into ?? nobodys);
                    Statistics.Frames++;
                    return true;
                case Verdict.Unresolved:
                    // Until the first frame is out nothing is missed: the skeletons are on their way.
                    Statistics.Unresolved++;
                    if (followed)
                        Follow(into ?? nobodys);
                    if (options.Newest)
                        Keep(bytes, length);
                    return false;
                case Verdict.Events:
                    foreach (StageEvent happened in decoder.Events)
                        Happened(happened);
                    return false;
                case Verdict.OtherVersion:
                    Statistics.OtherVersion++;
                    if (!toldVersion)
                        Said("The stage at " + options.Address + " sends schema version "
                            + decoder.SeenVersion + " and this package reads " + WireDecoder.SchemaVersion
                            + ": install the same version of Understudy on both sides.");
                    toldVersion = true;
                    return false;
                case Verdict.Malformed:
                    Statistics.Malformed++;
                    return false;
                default:
                    return false;
            }
        }

        private void Keep(byte[] bytes, int length)
        {
            if (waiting.Length < length)
                waiting = new byte[length * 2];
            Buffer.BlockCopy(bytes, 0, waiting, 0, length);
            waitingLength = length;
        }

        /// <summary>Counts what is missing between the last frame and this one.</summary>
        private void Follow(Frame frame)
        {
            bool first = !followed;
            bool anew = frame.Session != session || frame.Published < published;
            long missing = (long)(frame.Published - published) - 1;
            bool again = frame.Session == session && frame.Published == published;
            followed = true;
            session = frame.Session;
            published = frame.Published;
            if (first || again)
                return;
            if (anew)
            {
                Statistics.Restarts++;
                Said("The stage at " + options.Address + " was restarted; going on with the new one.");
            }
            else if (options.Newest)
                Statistics.PassedOver += missing;
            else
                Statistics.Lost += missing;
        }

        private void Watch()
        {
            if (options.Transport == Transport.Libzmq)
            {
                if (socket.Trouble != saidTrouble && socket.Trouble != "")
                    Said(socket.Trouble);
                saidTrouble = socket.Trouble;
                return;
            }
            if (socket.Connected == wasConnected)
                return;
            wasConnected = socket.Connected;
            Statistics.Reconnects = Math.Max(0, socket.Connections - 1);
            Said(wasConnected
                ? "Connected to the stage at " + options.Address + "."
                : socket.Trouble + " Trying again until it is there.");
        }

        public void Dispose()
        {
            socket.Dispose();
        }
    }
}
