// The same over libzmq, by P/Invoke: for CURVE keys, and where libzmq is at hand anyway.

using System;
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
    }

    public sealed class LibzmqSocket : ISubscriberSocket
    {
        private const string Library = "libzmq";
        private const int Sub = 2;
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
            public const int Ipv6 = 42;
            public const int CurvePublicKey = 48;
            public const int CurveSecretKey = 49;
            public const int CurveServerKey = 50;
            public const int Conflate = 54;
            public const int HeartbeatIvl = 75;
            public const int HeartbeatTimeout = 77;
        }

        // As many as a second of frames; a program that falls further behind loses some, and counts.
        private const int Queue = 128;

        private readonly string address;
        private readonly bool newest;
        private IntPtr context;
        private IntPtr frames;
        private IntPtr skeletons;
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
                frames = Open(newest ? "FRAM" : "", newest, keys);
                if (newest)
                    skeletons = Open("SKEL", false, keys);
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
            get { return true; } // libzmq does not tell without a monitor socket
        }

        public int Connections
        {
            get { return 0; }
        }

        public string Trouble
        {
            get { return ""; }
        }

        private IntPtr Open(string topic, bool conflate, CurveKeys keys)
        {
            IntPtr socket = zmq_socket(context, Sub);
            Set(socket, Option.Linger, 0);
            Set(socket, Option.RcvHwm, Queue);
            Set(socket, Option.MaxMsgSize, BitConverter.GetBytes((long)ZmtpInput.LargestMessage));
            Set(socket, Option.ReconnectIvl, 50);
            Set(socket, Option.ReconnectIvlMax, 1000);
            Set(socket, Option.HeartbeatIvl, 1000);
            Set(socket, Option.HeartbeatTimeout, 5000);
            if (conflate)
                Set(socket, Option.Conflate, 1);
            if (keys != null && keys.Given)
            {
                SetKey(socket, Option.CurveServerKey, keys.ServerPublic, "server's public");
                SetKey(socket, Option.CurvePublicKey, keys.OwnPublic, "own public");
                SetKey(socket, Option.CurveSecretKey, keys.OwnSecret, "own secret");
            }
            Set(socket, Option.Subscribe, Encoding.ASCII.GetBytes(topic));
            if (address.Contains("["))
                Set(socket, Option.Ipv6, 1);
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
            if (newest)
            {
                // Skeletons first: whatever waits there may be what the waiting frame needs.
                int length = Take(skeletons, ref buffer, DontWait);
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

        public void Dispose()
        {
            foreach (IntPtr socket in new[] { frames, skeletons })
                if (socket != IntPtr.Zero)
                    zmq_close(socket);
            frames = skeletons = IntPtr.Zero;
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
