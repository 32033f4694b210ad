using System;

namespace Understudy
{
    /// <summary>SMPTE time, HH:MM:SS:FF, or HH:MM:SS;FF in drop-frame.</summary>
    public struct Timecode
    {
        public int Hours;
        public int Minutes;
        public int Seconds;
        public int Frames;
        public bool DropFrame;

        public static bool TryParse(string text, out Timecode timecode)
        {
            timecode = default(Timecode);
            if (text == null || text.Length < 11 || text[2] != ':' || text[5] != ':')
                return false;
            timecode.DropFrame = text[8] == ';';
            return (text[8] == ':' || text[8] == ';') && Number(text, 0, 2, out timecode.Hours)
                && Number(text, 3, 2, out timecode.Minutes) && Number(text, 6, 2, out timecode.Seconds)
                && Number(text, 9, text.Length - 9, out timecode.Frames);
        }

        private static bool Number(string text, int start, int length, out int number)
        {
            number = 0;
            for (int i = start; i < start + length; i++)
            {
                if (text[i] < '0' || text[i] > '9' || length > 4)
                    return false;
                number = number * 10 + text[i] - '0';
            }
            return true;
        }

        /// <summary>Frames since midnight at a rate such as 30000/1001. Drop-frame leaves out the first
        /// numbers of every minute but each tenth: 2 at 29.97, 4 at 59.94.</summary>
        public long TotalFrames(uint rateNum, uint rateDen)
        {
            long nominal = rateDen == 0 ? 0 : (rateNum + rateDen - 1) / rateDen;
            long minutes = Hours * 60L + Minutes;
            long total = (minutes * 60 + Seconds) * nominal + Frames;
            long dropped = DropFrame ? nominal / 15 : 0;
            return total - dropped * (minutes - minutes / 10);
        }
    }
}
