// A ZeroMQ SUB socket in managed code: ZMTP 3.1 (rfc.zeromq.org/spec/37) with the NULL mechanism,
// over TCP. One thread uses it; it keeps no thread of its own.

using System;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Understudy
{
    public sealed class ZmtpSocket : ISubscriberSocket
    {
        private const int GreetingSize = 64;
        private const int LargestHandshake = 4096;
        private const int PingEveryMs = 1000;
        private const int SilenceMs = 5000;
        private const int ConnectMs = 3000;
        private const int ShortestPauseMs = 50;
        private const int LongestPauseMs = 1000;

        // The kernel's queue is the only one; a small one keeps what waits there young.
        private const int KernelQueue = 256 << 10;

        private enum State
        {
            Down,
            Connecting,
            Greeting,
            Handshake,
            Up,
        }

        private readonly string host;
        private readonly int port;
        private readonly byte[] topic;

        private Socket socket;
        private IAsyncResult pending;
        private State state = State.Down;
        private readonly ZmtpInput input = new ZmtpInput();
        private bool severalParts;
        private bool peerAnswersPings;
        private long since;
        private long heard;
        private long pinged;
        private long nextTry;
        private int pauseMs = ShortestPauseMs;

        public ZmtpSocket(string address, string prefix)
        {
            SplitAddress(address, out host, out port);
            topic = Encoding.ASCII.GetBytes(prefix);
            Trouble = "Not connected yet.";
        }

        public bool Connected
        {
            get { return state == State.Up; }
        }

        public int Connections { get; private set; }

        public string Trouble { get; private set; }

        /// <summary>Host and port of tcp://HOST:PORT; throws ArgumentException with a
        /// sentence.</summary>
        public static void SplitAddress(string address, out string host, out int port)
        {
            host = "";
            port = 0;
            int colon = address == null ? -1 : address.LastIndexOf(':');
            bool sound = colon > 6 && address.StartsWith("tcp://", StringComparison.Ordinal)
                && int.TryParse(address.Substring(colon + 1), out port) && port > 0 && port < 65536;
            if (!sound)
                throw new ArgumentException(
                    "\"" + address + "\" is not an address; write it like tcp://127.0.0.1:5570.");
            host = address.Substring(6, colon - 6).Trim('[', ']');
            // The name may resolve to ::1 first, and the stage listens on 127.0.0.1.
            if (host == "localhost")
                host = "127.0.0.1";
        }

        public int Receive(ref byte[] buffer, int timeoutMs)
        {
            long deadline = NowMs() + timeoutMs;
            while (true)
            {
                int length = TakeMessage(ref buffer);
                if (length >= 0)
                    return length;
                int left = (int)Math.Max(0, deadline - NowMs());
                try
                {
                    Advance(left);
                }
                catch (SocketException error)
                {
                    Drop("No stage at " + host + ":" + port + " (" + error.SocketErrorCode + ").");
                }
                bool more = state == State.Up && (input.HasFrame || socket.Available > 0);
                if (left == 0 && !more)
                    return -1;
            }
        }

        /// <summary>Waits at most so long for something to happen, and does it.</summary>
        private void Advance(int waitMs)
        {
            if (state == State.Down)
            {
                long pause = nextTry - NowMs();
                if (pause > waitMs)
                {
                    System.Threading.Thread.Sleep(waitMs);
                    return;
                }
                if (pause > 0)
                    System.Threading.Thread.Sleep((int)pause);
                BeginConnect();
                return;
            }
            if (state == State.Connecting)
            {
                if (pending.AsyncWaitHandle.WaitOne(waitMs))
                    EndConnect();
                else if (NowMs() - since > ConnectMs)
                    Drop("Nothing answers at " + host + ":" + port + ".");
                return;
            }
            if (socket.Poll(waitMs * 1000, SelectMode.SelectRead))
                ReadSome();
            if (state != State.Down)
                KeepAlive();
        }

        private void BeginConnect()
        {
            since = NowMs();
            IPAddress ip;
            if (!IPAddress.TryParse(host, out ip))
                ip = Array.Find(
                    Dns.GetHostAddresses(host), a => a.AddressFamily == AddressFamily.InterNetwork);
            if (ip == null)
                throw new SocketException((int)SocketError.HostNotFound);
            socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.NoDelay = true;
            socket.ReceiveBufferSize = KernelQueue;
            pending = socket.BeginConnect(new IPEndPoint(ip, port), null, null);
            state = State.Connecting;
        }

        private void EndConnect()
        {
            socket.EndConnect(pending);
            state = State.Greeting;
            input.Clear();
            severalParts = false;
            heard = pinged = since = NowMs();
            var greeting = new byte[GreetingSize];
            greeting[0] = 0xFF;
            greeting[9] = 0x7F;
            greeting[10] = 3;
            greeting[11] = 1;
            Encoding.ASCII.GetBytes("NULL", 0, 4, greeting, 12);
            Send(greeting);
        }

        private void ReadSome()
        {
            int got = input.Fill(socket);
            if (got == 0)
            {
                Drop("The stage at " + host + ":" + port + " hung up.");
                return;
            }
            heard = NowMs();
            if (state == State.Greeting)
                ReadGreeting();
            while (state == State.Handshake && ReadCommand()) { }
        }

        private void ReadGreeting()
        {
            int have = input.Count;
            bool foreign = (have > 0 && input[0] != 0xFF) || (have > 9 && (input[9] & 1) == 0)
                || (have > 10 && input[10] < 3);
            if (foreign)
            {
                Drop("What listens at " + host + ":" + port + " is no stage.");
                return;
            }
            if (have < GreetingSize)
                return;
            string mechanism = input.Text(12, 20).TrimEnd('\0');
            if (mechanism != "NULL")
            {
                Drop("The stage at " + host + ":" + port + " asks for " + mechanism
                    + " keys; this needs the libzmq transport.");
                return;
            }
            peerAnswersPings = input[11] >= 1;
            input.Take(GreetingSize);
            state = State.Handshake;
            // READY, and the one property that matters: a name with a byte of length, a value with four.
            SendCommand("READY", Encoding.ASCII.GetBytes("\x0bSocket-Type\0\0\0\x03SUB"));
        }

        /// <summary>Reads a command in the handshake; false when there is none yet.</summary>
        private bool ReadCommand()
        {
            ZmtpFrame frame;
            bool whole = NextFrame(out frame);
            if (frame.Size > LargestHandshake)
                Drop("What listens at " + host + ":" + port + " is no stage.");
            if (!whole || state == State.Down)
                return false;
            string properties = input.Text(frame.At, frame.Size);
            bool ready = frame.IsCommand && input.Says(frame, "READY");
            input.Take(frame);
            if (!ready)
            {
                Drop("The stage at " + host + ":" + port + " refused the connection.");
                return false;
            }
            if (properties.IndexOf("PUB", StringComparison.Ordinal) < 0)
            {
                Drop(host + ":" + port + " is no publish socket; is it the stage's control port?");
                return false;
            }
            state = State.Up;
            Connections++;
            Trouble = "";
            pauseMs = ShortestPauseMs;
            Subscribe();
            return false;
        }

        private void Subscribe()
        {
            if (peerAnswersPings)
            {
                SendCommand("SUBSCRIBE", topic);
                return;
            }
            var frame = new byte[3 + topic.Length]; // ZMTP 3.0: a message, 1 and the topic
            frame[1] = (byte)(1 + topic.Length);
            frame[2] = 1;
            Buffer.BlockCopy(topic, 0, frame, 3, topic.Length);
            Send(frame);
        }

        /// <summary>A whole message from the input into the buffer; -1 when there is none
        /// yet.</summary>
        private int TakeMessage(ref byte[] buffer)
        {
            ZmtpFrame frame;
            while (state == State.Up && NextFrame(out frame))
            {
                if (frame.IsCommand)
                {
                    Answer(frame);
                    input.Take(frame);
                    continue;
                }
                bool part = severalParts;
                severalParts = frame.HasMore;
                int length = severalParts ? -1 : part ? 0 : input.CopyTo(ref buffer, frame);
                input.Take(frame);
                if (length >= 0)
                    return length;
            }
            return -1;
        }

        /// <summary>The frame at the start of the input; false when it is not whole yet, or
        /// nonsense.</summary>
        private bool NextFrame(out ZmtpFrame frame)
        {
            bool sane = input.TryFrame(out frame);
            if (!sane)
                Drop("The stage at " + host + ":" + port + " sent what is no ZMTP.");
            return sane && frame.Whole;
        }

        /// <summary>PING asks for PONG with its own context back; a stage asks every second.</summary>
        private void Answer(ZmtpFrame frame)
        {
            const int Context = 7; // behind the name and the peer's time to live
            if (!input.Says(frame, "PING") || frame.Size < Context || frame.Size > Context + 16)
                return;
            byte[] context = input.Bytes(frame.At + Context, frame.Size - Context);
            try
            {
                SendCommand("PONG", context);
            }
            catch (SocketException)
            {
                Drop("The stage at " + host + ":" + port + " went away.");
            }
        }

        private void KeepAlive()
        {
            long now = NowMs();
            bool handshake = state != State.Up && now - since > ConnectMs;
            if (handshake || (peerAnswersPings && now - heard > SilenceMs))
            {
                Drop("The stage at " + host + ":" + port + " fell silent.");
                return;
            }
            if (state == State.Up && peerAnswersPings && now - pinged >= PingEveryMs)
            {
                pinged = now;
                SendCommand("PING", new byte[] { 0, 50 }); // 5 s, in tenths: when the peer may give us up
            }
        }

        private void SendCommand(string name, byte[] body)
        {
            var frame = new byte[3 + name.Length + body.Length];
            frame[0] = ZmtpFrame.Command;
            frame[1] = (byte)(1 + name.Length + body.Length);
            frame[2] = (byte)name.Length;
            Encoding.ASCII.GetBytes(name, 0, name.Length, frame, 3);
            Buffer.BlockCopy(body, 0, frame, 3 + name.Length, body.Length);
            Send(frame);
        }

        private void Send(byte[] bytes)
        {
            // A few dozen bytes into an empty send buffer: this does not wait.
            socket.Send(bytes);
        }

        private void Drop(string why)
        {
            Trouble = why;
            state = State.Down;
            input.Clear();
            nextTry = NowMs() + pauseMs;
            pauseMs = Math.Min(LongestPauseMs, pauseMs * 2);
            if (socket != null)
                socket.Close();
            socket = null;
        }

        private static long NowMs()
        {
            return Clock.NowNs() / 1000000;
        }

        public void Dispose()
        {
            Drop("Closed.");
        }
    }
}
