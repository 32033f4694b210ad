// Why a libzmq socket is not let in by the stage, from what libzmq tells of its greeting.

using System;

namespace Understudy
{
    /// <summary>One socket's. To be made before the socket connects.</summary>
    internal sealed class LibzmqMonitor : IDisposable
    {
        private const int ConnectDelayed = 0x0002;
        private const int ConnectRetried = 0x0004;
        private const int NoDetail = 0x0800;
        private const int Succeeded = 0x1000;
        private const int Protocol = 0x2000;
        private const int Auth = 0x4000;
        private const int MechanismMismatch = 0x11000002;
        private const long SecondNs = 1000000000L;

        private static int made;

        private readonly IntPtr socket;
        private readonly IntPtr ear;
        private readonly string address;
        private readonly bool keyed;
        private byte[] buffer = new byte[256];
        private int failures;
        private long againNs = long.MaxValue;

        public string Trouble = "";

        public LibzmqMonitor(IntPtr context, IntPtr socket, string address, bool keyed)
        {
            this.socket = socket;
            this.address = address;
            this.keyed = keyed;
            string name = "inproc://understudy-monitor-" + System.Threading.Interlocked.Increment(ref made);
            int events = ConnectDelayed | ConnectRetried | NoDetail | Succeeded | Protocol | Auth;
            ear = LibzmqSocket.Listen(context, socket, name, events);
        }

        /// <summary>Reads what happened. What libzmq has given up, once told that it is not let in,
        /// begins anew after a second: somebody may let it in.</summary>
        public void Turn()
        {
            while (LibzmqSocket.TakePart(ear, ref buffer) == 6)
            {
                int happened = buffer[0] | buffer[1] << 8;
                int value = BitConverter.ToInt32(buffer, 2);
                LibzmqSocket.TakePart(ear, ref buffer); // the address
                againNs = long.MaxValue;
                if (happened == Succeeded)
                {
                    failures = 0;
                    Trouble = "";
                }
                else if ((happened & (NoDetail | Protocol | Auth)) != 0)
                {
                    failures++;
                    string why = Why(happened, value);
                    if (why != "")
                        Trouble = why;
                    if (happened != NoDetail)
                        againNs = Clock.NowNs() + SecondNs;
                }
            }
            if (Clock.NowNs() < againNs)
                return;
            againNs = long.MaxValue;
            LibzmqSocket.ConnectAgain(socket, address);
        }

        private string Why(int happened, int value)
        {
            if (happened == Auth)
                return "The stage at " + address + " does not let this key in; on its machine, `understudy "
                    + "keys list` shows who is let in and `understudy keys new` makes a key.";
            if (value == MechanismMismatch)
                return keyed
                    ? "The stage at " + address + " has no keys: leave out the key file, or start it with --keys."
                    : "The stage at " + address + " asks for a key: give the key file that `understudy keys "
                        + "new NAME` made on its machine.";
            // A stage that ends breaks off greetings too; one that does it time after time means it.
            if (failures < 2)
                return "";
            return keyed
                ? "This key is for another stage than the one at " + address + ", or that one's own key is new: "
                    + "make one with `understudy keys new NAME` on its machine."
                : "Whatever listens on " + address + " breaks off the greeting: it is no stage of ours, or asks "
                    + "for a key.";
        }

        public void Dispose()
        {
            LibzmqSocket.Close(ear);
        }
    }
}
