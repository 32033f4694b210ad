// Quaternions, x y z w, and what is done with them.

using System;

namespace Understudy
{
    public struct Vec
    {
        public double X;
        public double Y;
        public double Z;

        public Vec(double x, double y, double z)
        {
            X = x;
            Y = y;
            Z = z;
        }

        public static Vec operator +(Vec a, Vec b)
        {
            return new Vec(a.X + b.X, a.Y + b.Y, a.Z + b.Z);
        }

        public static Vec operator -(Vec a, Vec b)
        {
            return new Vec(a.X - b.X, a.Y - b.Y, a.Z - b.Z);
        }

        public static double Dot(Vec a, Vec b)
        {
            return a.X * b.X + a.Y * b.Y + a.Z * b.Z;
        }

        public static Vec Cross(Vec a, Vec b)
        {
            return new Vec(a.Y * b.Z - a.Z * b.Y, a.Z * b.X - a.X * b.Z, a.X * b.Y - a.Y * b.X);
        }
    }

    public struct Quat
    {
        public double X;
        public double Y;
        public double Z;
        public double W;

        public Quat(double x, double y, double z, double w)
        {
            X = x;
            Y = y;
            Z = z;
            W = w;
        }

        public static readonly Quat Identity = new Quat(0, 0, 0, 1);

        public Quat Inverse
        {
            get { return new Quat(-X, -Y, -Z, W); }
        }

        /// <summary>Turns by b, then by a.</summary>
        public static Quat operator *(Quat a, Quat b)
        {
            return new Quat(
                a.W * b.X + a.X * b.W + a.Y * b.Z - a.Z * b.Y,
                a.W * b.Y - a.X * b.Z + a.Y * b.W + a.Z * b.X,
                a.W * b.Z + a.X * b.Y - a.Y * b.X + a.Z * b.W,
                a.W * b.W - a.X * b.X - a.Y * b.Y - a.Z * b.Z);
        }

        public static Vec operator *(Quat q, Vec v)
        {
            Quat turned = q * new Quat(v.X, v.Y, v.Z, 0) * q.Inverse;
            return new Vec(turned.X, turned.Y, turned.Z);
        }

        /// <summary>The shortest turn that takes direction a to direction b; none where either has no
        /// length.</summary>
        public static Quat Between(Vec a, Vec b)
        {
            double lengths = Math.Sqrt(Vec.Dot(a, a) * Vec.Dot(b, b));
            if (lengths < 1e-12)
                return Identity;
            Vec axis = Vec.Cross(a, b);
            double w = lengths + Vec.Dot(a, b);
            if (w < 1e-6 * lengths) // opposite: half a turn about any axis across a
            {
                w = 0;
                axis = Vec.Cross(a, Math.Abs(a.X) > Math.Abs(a.Y) ? new Vec(0, 1, 0) : new Vec(1, 0, 0));
            }
            double length = Math.Sqrt(Vec.Dot(axis, axis) + w * w);
            return new Quat(axis.X / length, axis.Y / length, axis.Z / length, w / length);
        }
    }

    public static class Rotation
    {
        /// <summary>Of quaternions in flat arrays, `at` the index of an x: from a to b by t along the shorter way; goes on at the same rate beyond
        /// 1.</summary>
        public static void Slerp(float[] a, float[] b, int at, float t, float[] into)
        {
            double dot = 0;
            for (int i = 0; i < 4; i++)
                dot += (double)a[at + i] * b[at + i];
            double sign = dot < 0 ? -1 : 1;
            dot = Math.Min(1, dot * sign);
            double u = 1 - t, v = t;
            double angle = Math.Acos(dot);
            if (angle > 1e-3)
            {
                double sine = Math.Sin(angle);
                u = Math.Sin(u * angle) / sine;
                v = Math.Sin(v * angle) / sine;
            }
            double x = u * a[at] + sign * v * b[at];
            double y = u * a[at + 1] + sign * v * b[at + 1];
            double z = u * a[at + 2] + sign * v * b[at + 2];
            double w = u * a[at + 3] + sign * v * b[at + 3];
            double length = Math.Sqrt(x * x + y * y + z * z + w * w);
            if (length < 1e-9)
            {
                Array.Copy(b, at, into, at, 4);
                return;
            }
            into[at] = (float)(x / length);
            into[at + 1] = (float)(y / length);
            into[at + 2] = (float)(z / length);
            into[at + 3] = (float)(w / length);
        }
    }
}
