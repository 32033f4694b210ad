// FlatBuffers tables, read with every offset and length checked before it is followed.
//
// An own reader of one page instead of flatc's code and Google's runtime: the schema has eight
// tables, the runtime's accessors throw or read astray on damaged bytes unless its verifier ran
// before, and it would be one more library that may clash with the user's other packages. Damage
// sets a flag here and every later read gives zeros, so nothing throws and no caller checks twice.

using System;
using System.Text;

namespace Understudy
{
    internal sealed class FlatReader
    {
        // Vectors of tables may overlap in hostile bytes, so that few bytes ask for much work.
        private const int MostTables = 16384;

        private byte[] data;
        private int length;
        private long budget;

        public bool Damaged { get; private set; }

        public struct Table
        {
            internal int At;
            internal int Fields;
            internal int Count;

            public bool Present
            {
                get { return At != 0; }
            }
        }

        public struct Vector
        {
            internal int At;
            public int Count;
        }

        /// <summary>Starts on a buffer that begins at an offset; gives its root table.</summary>
        public Table Open(byte[] message, int size, int start)
        {
            data = message;
            length = size;
            Damaged = false;
            // What a sound message holds is in it once; strings may be shared a few times.
            budget = 4L * size + 4096;
            return At(Follow(start));
        }

        private bool Holds(long at, long bytes)
        {
            if (at >= 8 && at + bytes <= length)
                return !Damaged;
            Damaged = true;
            return false;
        }

        private bool Afford(long bytes)
        {
            budget -= bytes;
            Damaged |= budget < 0;
            return !Damaged;
        }

        /// <summary>The place that the offset at this place leads to; 0 when damaged.</summary>
        private int Follow(long at)
        {
            if (!Holds(at, 4))
                return 0;
            long to = at + BitConverter.ToUInt32(data, (int)at);
            return Holds(to, 4) ? (int)to : 0;
        }

        private Table At(int at)
        {
            if (Damaged || !Holds(at, 4))
                return default(Table);
            long fields = at - (long)BitConverter.ToInt32(data, at);
            if (!Holds(fields, 4))
                return default(Table);
            int size = BitConverter.ToUInt16(data, (int)fields);
            if (size < 4 || size % 2 != 0 || !Holds(fields, size))
            {
                Damaged = true;
                return default(Table);
            }
            return new Table { At = at, Fields = (int)fields + 4, Count = size / 2 - 2 };
        }

        /// <summary>Where a field's value lies; 0 where it is absent or does not fit.</summary>
        private int Place(Table table, int field, int bytes)
        {
            if (Damaged || field >= table.Count)
                return 0;
            int offset = BitConverter.ToUInt16(data, table.Fields + 2 * field);
            return offset != 0 && Holds((long)table.At + offset, bytes) ? table.At + offset : 0;
        }

        public byte Byte(Table table, int field)
        {
            int at = Place(table, field, 1);
            return at == 0 ? (byte)0 : data[at];
        }

        public uint UInt(Table table, int field)
        {
            int at = Place(table, field, 4);
            return at == 0 ? 0 : BitConverter.ToUInt32(data, at);
        }

        public ulong ULong(Table table, int field)
        {
            int at = Place(table, field, 8);
            return at == 0 ? 0 : BitConverter.ToUInt64(data, at);
        }

        public long Long(Table table, int field)
        {
            return (long)ULong(table, field);
        }

        public float Float(Table table, int field)
        {
            int at = Place(table, field, 4);
            return at == 0 ? 0 : BitConverter.ToSingle(data, at);
        }

        /// <summary>A struct of floats; zeros where it is absent.</summary>
        public void Struct(Table table, int field, float[] into)
        {
            int at = Place(table, field, 4 * into.Length);
            if (at == 0)
                Array.Clear(into, 0, into.Length);
            else
                Buffer.BlockCopy(data, at, into, 0, 4 * into.Length);
        }

        /// <summary>A struct of four floats; no turn where it is absent.</summary>
        public void Rotation(Table table, int field, float[] into)
        {
            Struct(table, field, into);
            if (Place(table, field, 16) == 0)
                into[3] = 1f;
        }

        public Table Child(Table table, int field)
        {
            int at = Place(table, field, 4);
            return at == 0 ? default(Table) : At(Follow(at));
        }

        /// <summary>A vector whose elements have this many bytes; empty where it is
        /// absent.</summary>
        public Vector Elements(Table table, int field, int bytes)
        {
            int at = Place(table, field, 4);
            return at == 0 ? default(Vector) : ElementsAt(Follow(at), bytes);
        }

        private Vector ElementsAt(int at, int bytes)
        {
            if (Damaged || !Holds(at, 4))
                return default(Vector);
            long total = BitConverter.ToUInt32(data, at) * (long)bytes;
            if (!Holds(at + 4L, total) || !Afford(total))
                return default(Vector);
            return new Vector { At = at + 4, Count = (int)(total / bytes) };
        }

        public Vector Children(Table table, int field)
        {
            Vector vector = Elements(table, field, 4);
            if (vector.Count <= MostTables)
                return vector;
            Damaged = true;
            return default(Vector);
        }

        public Table Child(Vector vector, int index)
        {
            return Damaged ? default(Table) : At(Follow(vector.At + 4 * index));
        }

        /// <summary>A vector of numbers into an array of exactly its size, made anew only when the
        /// size changed.</summary>
        public void Numbers<T>(Table table, int field, int bytes, ref T[] into)
            where T : struct
        {
            Vector vector = Elements(table, field, bytes);
            if (into == null || into.Length != vector.Count)
                into = new T[vector.Count];
            if (!Damaged)
                Buffer.BlockCopy(data, vector.At, into, 0, vector.Count * bytes);
        }

        /// <summary>A string; the old one where it says the same, so that names cost no
        /// memory.</summary>
        public string Text(Table table, int field, string old)
        {
            return Text(Elements(table, field, 1), old);
        }

        public string Text(Vector vector, int index, string old)
        {
            return Damaged ? "" : Text(ElementsAt(Follow(vector.At + 4 * index), 1), old);
        }

        private string Text(Vector letters, string old)
        {
            if (Damaged || letters.Count == 0)
                return "";
            if (old != null && old.Length == letters.Count)
            {
                int same = 0;
                while (same < letters.Count && old[same] < 128 && old[same] == data[letters.At + same])
                    same++;
                if (same == letters.Count)
                    return old;
            }
            return Encoding.UTF8.GetString(data, letters.At, letters.Count);
        }

        /// <summary>A vector of strings, into an array of exactly its size.</summary>
        public void Texts(Table table, int field, ref string[] into)
        {
            Vector vector = Children(table, field);
            if (into == null || into.Length != vector.Count)
                into = new string[vector.Count];
            for (int i = 0; i < vector.Count && !Damaged; i++)
                into[i] = Text(vector, i, into[i]);
        }
    }
}
