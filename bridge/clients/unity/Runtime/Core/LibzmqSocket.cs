// The same over libzmq, by P/Invoke: for CURVE keys, and where libzmq is at hand anyway.

using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Understudy
{
    /// <summary>Keys for an encrypted stage, 40 letters of Z85 each.</summary>
    public sealed class CurveKeys
    {
        public string ServerPublic = "";
        public string OwnPublic = "";
        public string OwnSecret = "";

        public bool Given
        {
            get { return !string.IsNullOrEmpty(ServerPublic); }
        }

        /// <summary>The keys in the file that `understudy keys new` made.</summary>
        public static CurveKeys Read(string path)
        {
            string[] lines;
            try
            {
                lines = File.ReadAllLines(path);
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                throw new ArgumentException("The key " + path + " cannot be read: " + error.Message);
            }
            var keys = new CurveKeys();
            foreach (string line in lines)
            {
                int equals = line.IndexOf('=');
                if (equals < 0 || line.TrimStart().StartsWith("#"))
                    continue;
                string value = line.Substring(equals + 1).Trim().Trim('"', '\'');
                switch (line.Substring(0, equals).Trim())
                {
                    case "public-key": keys.OwnPublic = value; break;
                    case "secret-key": keys.OwnSecret = value; break;
                    case "server-key": keys.ServerPublic = value; break;
                }
            }
            if (keys.OwnPublic.Length != 40 || keys.OwnSecret.Length != 40 || keys.ServerPublic.Length != 40)
                throw new ArgumentException(
                    path + " is no key to connect with; take the NAME.key that `understudy keys new NAME` made.");
            return keys;
        }
    }

    public sealed class LibzmqSocket : ISubscriberSocket
    {
        private const string Library = "libzmq";
        private const int Sub = 2;
        private const int Pair = 0;
        private const int DontWait = 1;

        private static class Option
        {
            public const int Subscribe = 6;
            public const int Linger = 17;
            public const int ReconnectIvl = 18;
            public const int ReconnectIvlMax = 21;
            public const int MaxMsgSize = 22;
            public const int RcvHwm = 24;
            public const int RcvTimeo = 27;
            public const int TcpKeepalive = 34;
            public const int TcpKeepaliveCnt = 35;
            public const int TcpKeepaliveIdle = 36;
            public const int TcpKeepaliveIntvl = 37;
            public const int Ipv6 = 42;
            public const int CurvePublicKey = 48;
            public const int CurveSecretKey = 49;
            public const int CurveServerKey = 50;
            public const int Conflate = 54;
        }

        // As many as a second of frames; a program that falls further behind loses some, and counts.
        private const int Queue = 128;

        private readonly string address;
        private readonly bool newest;
        private IntPtr context;
        private IntPtr frames;
        private IntPtr skeletons;
        private IntPtr events;
        private LibzmqMonitor framesMonitor;
        private LibzmqMonitor skeletonsMonitor;
        private LibzmqMonitor eventsMonitor;
        private IntPtr message;
        private int waitMs = -2;

        /// <summary>newest: libzmq keeps one frame, the newest, while nobody reads (CONFLATE).</summary>
        public LibzmqSocket(string address, bool newest, CurveKeys keys)
        {
            string host;
            int port;
            ZmtpSocket.SplitAddress(address, out host, out port);
            this.address = "tcp://" + (host.Contains(":") ? "[" + host + "]" : host) + ":" + port;
            this.newest = newest;
            context = zmq_ctx_new();
            message = Marshal.AllocHGlobal(64); // zmq_msg_t
            try
            {
                // CONFLATE allows a single subscription on its socket, so skeletons have one of their own.
                frames = Open(newest ? "FRAM" : "", newest, keys, out framesMonitor);
                if (newest)
                {
                    skeletons = Open("SKEL", false, keys, out skeletonsMonitor);
                    events = Open("EVNT", false, keys, out eventsMonitor);
                }
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        /// <summary>Whether the library is there to be loaded.</summary>
        public static bool Available
        {
            get
            {
                try
                {
                    int major, minor, patch;
                    zmq_version(out major, out minor, out patch);
                    return major >= 4;
                }
                catch (DllNotFoundException)
                {
                    return false;
                }
            }
        }

        public bool Connected
        {
            get { return Trouble == ""; }
        }

        public int Connections
        {
            get { return 0; }
        }

        public string Trouble
        {
            get { return framesMonitor == null ? "" : framesMonitor.Trouble; }
        }

        private IntPtr Open(string topic, bool conflate, CurveKeys keys, out LibzmqMonitor monitor)
        {
            IntPtr socket = zmq_socket(context, Sub);
            Set(socket, Option.Linger, 0);
            Set(socket, Option.RcvHwm, Queue);
            Set(socket, Option.MaxMsgSize, BitConverter.GetBytes((long)ZmtpInput.LargestMessage));
            bool keyed = keys != null && keys.Given;
            // With a wrong key libzmq goes on knocking, and at the usual 50 ms that is a nuisance.
            Set(socket, Option.ReconnectIvl, keyed ? 200 : 50);
            Set(socket, Option.ReconnectIvlMax, 1000);
            // A stage whose machine died is noticed by TCP. Not by ZeroMQ's heartbeats: one that falls
            // due after the stage hung up, while frames wait to be read, aborts the process (4.3.5).
            Set(socket, Option.TcpKeepalive, 1);
            Set(socket, Option.TcpKeepaliveIdle, 2);
            Set(socket, Option.TcpKeepaliveIntvl, 1);
            Set(socket, Option.TcpKeepaliveCnt, 3);
            if (conflate)
                Set(socket, Option.Conflate, 1);
            if (keyed)
            {
                SetKey(socket, Option.CurveServerKey, keys.ServerPublic, "server's public");
                SetKey(socket, Option.CurvePublicKey, keys.OwnPublic, "own public");
                SetKey(socket, Option.CurveSecretKey, keys.OwnSecret, "own secret");
            }
            Set(socket, Option.Subscribe, Encoding.ASCII.GetBytes(topic));
            if (address.Contains("["))
                Set(socket, Option.Ipv6, 1);
            monitor = new LibzmqMonitor(context, socket, address, keyed);
            if (zmq_connect(socket, address) != 0)
                throw new ArgumentException("libzmq cannot connect to " + address + ".");
            return socket;
        }

        private static void Set(IntPtr socket, int option, int value)
        {
            Set(socket, option, BitConverter.GetBytes(value));
        }

        private static void Set(IntPtr socket, int option, byte[] value)
        {
            if (zmq_setsockopt(socket, option, value, (UIntPtr)value.Length) != 0)
                throw new InvalidOperationException("libzmq refuses socket option " + option + ".");
        }

        private static void SetKey(IntPtr socket, int option, string key, string whose)
        {
            byte[] text = Encoding.ASCII.GetBytes((key ?? "") + "\0");
            if (text.Length != 41 || zmq_setsockopt(socket, option, text, (UIntPtr)41) != 0)
                throw new ArgumentException(
                    "The " + whose + " key is none that libzmq takes: 40 letters of Z85, and a libzmq "
                    + "built with CURVE.");
        }

        public int Receive(ref byte[] buffer, int timeoutMs)
        {
            framesMonitor.Turn();
            if (skeletonsMonitor != null)
                skeletonsMonitor.Turn();
            if (eventsMonitor != null)
                eventsMonitor.Turn();
            if (newest)
            {
                // Skeletons first: whatever waits there may be what the waiting frame needs.
                int length = Take(skeletons, ref buffer, DontWait);
                if (length < 0)
                    length = Take(events, ref buffer, DontWait);
                if (length >= 0)
                    return length;
            }
            if (timeoutMs <= 0)
                return Take(frames, ref buffer, DontWait);
            if (timeoutMs != waitMs)
                Set(frames, Option.RcvTimeo, waitMs = timeoutMs);
            return Take(frames, ref buffer, 0);
        }

        private int Take(IntPtr socket, ref byte[] buffer, int flags)
        {
            zmq_msg_init(message);
            try
            {
                if (zmq_msg_recv(message, socket, flags) < 0)
                    return -1;
                bool several = zmq_msg_more(message) != 0;
                while (zmq_msg_more(message) != 0)
                    if (zmq_msg_recv(message, socket, 0) < 0)
                        break;
                if (several)
                    return 0;
                int size = (int)zmq_msg_size(message);
                if (buffer == null || buffer.Length < size)
                    buffer = new byte[Math.Max(4096, size * 2)];
                if (size > 0)
                    Marshal.Copy(zmq_msg_data(message), buffer, 0, size);
                return size;
            }
            finally
            {
                zmq_msg_close(message);
            }
        }

        /// <summary>A socket that hears what libzmq tells of another.</summary>
        internal static IntPtr Listen(IntPtr context, IntPtr socket, string name, int events)
        {
            if (zmq_socket_monitor(socket, name, events) != 0)
                throw new InvalidOperationException("libzmq does not tell of its connections.");
            IntPtr ear = zmq_socket(context, Pair);
            Set(ear, Option.Linger, 0);
            Set(ear, Option.RcvHwm, 0); // one that nobody turns stops no other
            zmq_connect(ear, name);
            return ear;
        }

        /// <summary>One part of a message: its length, -1 when none has come.</summary>
        internal static int TakePart(IntPtr socket, ref byte[] buffer)
        {
            int length = zmq_recv(socket, buffer, (UIntPtr)buffer.Length, DontWait);
            return Math.Min(length, buffer.Length);
        }

        internal static void ConnectAgain(IntPtr socket, string address)
        {
            zmq_disconnect(socket, address);
            zmq_connect(socket, address);
        }

        internal static void Close(IntPtr socket)
        {
            zmq_close(socket);
        }

        public void Dispose()
        {
            foreach (LibzmqMonitor monitor in new[] { framesMonitor, skeletonsMonitor, eventsMonitor })
                if (monitor != null)
                    monitor.Dispose();
            foreach (IntPtr socket in new[] { frames, skeletons, events })
                if (socket != IntPtr.Zero)
                    zmq_close(socket);
            frames = skeletons = events = IntPtr.Zero;
            if (context != IntPtr.Zero)
                zmq_ctx_term(context); // linger is 0: this does not wait
            context = IntPtr.Zero;
            Marshal.FreeHGlobal(message);
            message = IntPtr.Zero;
        }

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern void zmq_version(out int major, out int minor, out int patch);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr zmq_ctx_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_ctx_term(IntPtr context);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr zmq_socket(IntPtr context, int type);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_close(IntPtr socket);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_setsockopt(IntPtr socket, int option, byte[] value, UIntPtr size);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, CharSet = CharSet.Ansi)]
        private static extern int zmq_connect(IntPtr socket, string address);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, CharSet = CharSet.Ansi)]
        private static extern int zmq_disconnect(IntPtr socket, string address);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, CharSet = CharSet.Ansi)]
        private static extern int zmq_socket_monitor(IntPtr socket, string address, int events);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_recv(IntPtr socket, byte[] buffer, UIntPtr size, int flags);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_msg_init(IntPtr message);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_msg_recv(IntPtr message, IntPtr socket, int flags);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_msg_more(IntPtr message);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern UIntPtr zmq_msg_size(IntPtr message);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr zmq_msg_data(IntPtr message);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
        private static extern int zmq_msg_close(IntPtr message);
    }
}
