// What came over a ZMTP connection and is not read yet: bytes into frames (rfc.zeromq.org/spec/37).

using System;
using System.Net.Sockets;
using System.Text;

namespace Understudy
{
    /// <summary>A frame in the input: its content's place and size, and its flags.</summary>
    internal struct ZmtpFrame
    {
        public const byte More = 1;
        public const byte Long = 2;
        public const byte Command = 4;

        public byte Flags;
        public int At;
        public int Size;

        /// <summary>Whether all of it has come.</summary>
        public bool Whole;

        public bool IsCommand
        {
            get { return (Flags & Command) != 0; }
        }

        public bool HasMore
        {
            get { return (Flags & More) != 0; }
        }
    }

    internal sealed class ZmtpInput
    {
        public const int LargestMessage = 64 << 20;

        private byte[] bytes = new byte[64 << 10];
        private int start;
        private int end;

        public int Count
        {
            get { return end - start; }
        }

        /// <summary>A byte that has not been taken yet, 0 the first.</summary>
        public byte this[int index]
        {
            get { return bytes[start + index]; }
        }

        public bool HasFrame
        {
            get
            {
                ZmtpFrame frame;
                return TryFrame(out frame) && frame.Whole;
            }
        }

        public void Clear()
        {
            start = end = 0;
        }

        /// <summary>Reads what has come; 0 when the other side hung up.</summary>
        public int Fill(Socket socket)
        {
            if (start == end)
                Clear();
            if (end == bytes.Length)
            {
                if (start > 0)
                    Buffer.BlockCopy(bytes, start, bytes, 0, Count);
                else
                    Array.Resize(ref bytes, bytes.Length * 2);
                end -= start;
                start = 0;
            }
            int got = socket.Receive(bytes, end, bytes.Length - end, SocketFlags.None);
            end += got;
            return got;
        }

        /// <summary>The frame at the start, perhaps not whole yet; false for what is no
        /// frame.</summary>
        public bool TryFrame(out ZmtpFrame frame)
        {
            frame = default(ZmtpFrame);
            if (Count < 2)
                return true;
            frame.Flags = this[0];
            bool wide = (frame.Flags & ZmtpFrame.Long) != 0;
            long size = this[1];
            frame.At = wide ? 9 : 2;
            if (wide)
            {
                if (Count < frame.At)
                    return true;
                size = 0;
                for (int i = 1; i < 9; i++)
                    size = (size << 8) | this[i];
            }
            if ((frame.Flags & ~7) != 0 || size < 0 || size > LargestMessage)
                return false;
            frame.Size = (int)size;
            frame.Whole = Count - frame.At >= size;
            return true;
        }

        public void Take(int count)
        {
            start += count;
        }

        public void Take(ZmtpFrame frame)
        {
            Take(frame.At + frame.Size);
        }

        /// <summary>Whether a command has this name.</summary>
        public bool Says(ZmtpFrame frame, string name)
        {
            if (frame.Size < 1 + name.Length || this[frame.At] != name.Length)
                return false;
            for (int i = 0; i < name.Length; i++)
                if (this[frame.At + 1 + i] != name[i])
                    return false;
            return true;
        }

        public string Text(int at, int count)
        {
            return Encoding.ASCII.GetString(bytes, start + at, count);
        }

        public byte[] Bytes(int at, int count)
        {
            var copy = new byte[count];
            Buffer.BlockCopy(bytes, start + at, copy, 0, count);
            return copy;
        }

        /// <summary>A frame's content into a buffer, made larger where needed; its
        /// length.</summary>
        public int CopyTo(ref byte[] buffer, ZmtpFrame frame)
        {
            if (buffer == null || buffer.Length < frame.Size)
                buffer = new byte[Math.Max(4096, frame.Size * 2)];
            Buffer.BlockCopy(bytes, start + frame.At, buffer, 0, frame.Size);
            return frame.Size;
        }
    }
}
