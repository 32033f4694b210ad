// Stand-ins for the few types of UnityEngine that the components use, with as much behind them as a
// test needs: a tree of transforms, a camera, blend shapes. Ours, from Unity's public reference; that
// the components compile against Unity itself is not shown by this.

using System;
using System.Collections.Generic;

namespace UnityEngine
{
    public class Object
    {
        public string name = "";

        public static readonly List<MonoBehaviour> Scene = new List<MonoBehaviour>();

        public static T FindFirstObjectByType<T>() where T : MonoBehaviour
        {
            return FindObjectOfType<T>();
        }

        public static T FindObjectOfType<T>() where T : MonoBehaviour
        {
            return (T)Scene.Find(one => one is T);
        }
    }

    public class Component : Object
    {
        public Transform transform;

        public T GetComponent<T>() where T : Component
        {
            return (T)transform.Components.Find(one => one is T);
        }

        public T GetComponentInChildren<T>() where T : Component
        {
            T[] all = GetComponentsInChildren<T>();
            return all.Length > 0 ? all[0] : null;
        }

        public T[] GetComponentsInChildren<T>() where T : Component
        {
            var found = new List<T>();
            Collect(transform, found);
            return found.ToArray();
        }

        private static void Collect<T>(Transform at, List<T> found) where T : Component
        {
            if (at is T)
                found.Add((T)(Component)at);
            foreach (Component one in at.Components)
                if (one is T)
                    found.Add((T)one);
            foreach (Transform child in at.Children)
                Collect(child, found);
        }
    }

    public class MonoBehaviour : Component { }

    public struct Vector2
    {
        public float x, y;

        public Vector2(float x, float y)
        {
            this.x = x;
            this.y = y;
        }
    }

    public struct Vector3
    {
        public float x, y, z;

        public static readonly Vector3 zero = new Vector3(0, 0, 0);

        public Vector3(float x, float y, float z)
        {
            this.x = x;
            this.y = y;
            this.z = z;
        }

        public static Vector3 operator +(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x + b.x, a.y + b.y, a.z + b.z);
        }

        public static Vector3 operator -(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x - b.x, a.y - b.y, a.z - b.z);
        }

        public static Vector3 Scale(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x * b.x, a.y * b.y, a.z * b.z);
        }
    }

    public struct Quaternion
    {
        public float x, y, z, w;

        public static readonly Quaternion identity = new Quaternion(0, 0, 0, 1);

        public Quaternion(float x, float y, float z, float w)
        {
            this.x = x;
            this.y = y;
            this.z = z;
            this.w = w;
        }

        public static Quaternion Inverse(Quaternion q)
        {
            return new Quaternion(-q.x, -q.y, -q.z, q.w);
        }

        public static Quaternion operator *(Quaternion a, Quaternion b)
        {
            return new Quaternion(
                a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
                a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
                a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
                a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z);
        }

        public static Vector3 operator *(Quaternion q, Vector3 v)
        {
            Quaternion turned = q * new Quaternion(v.x, v.y, v.z, 0) * Inverse(q);
            return new Vector3(turned.x, turned.y, turned.z);
        }
    }

    /// Without scale: the rigs of the tests have none.
    public class Transform : Component
    {
        public Transform parent;
        public Vector3 localPosition;
        public Quaternion localRotation = Quaternion.identity;
        public Vector3 localScale = new Vector3(1, 1, 1);
        public readonly List<Transform> Children = new List<Transform>();
        public readonly List<Component> Components = new List<Component>();

        public Transform(string name, Transform parent)
        {
            this.name = name;
            this.parent = parent;
            transform = this;
            if (parent != null)
                parent.Children.Add(this);
        }

        public T Add<T>(T component) where T : Component
        {
            component.transform = this;
            Components.Add(component);
            if (component is MonoBehaviour)
                Scene.Add((MonoBehaviour)(Component)component);
            return component;
        }

        public Vector3 position
        {
            get { return parent == null ? localPosition : parent.TransformPoint(localPosition); }
            set { localPosition = parent == null ? value : parent.InverseTransformPoint(value); }
        }

        public Quaternion rotation
        {
            get { return parent == null ? localRotation : parent.rotation * localRotation; }
            set { localRotation = parent == null ? value : Quaternion.Inverse(parent.rotation) * value; }
        }

        public Vector3 TransformPoint(Vector3 point)
        {
            return position + rotation * point;
        }

        public Vector3 InverseTransformPoint(Vector3 point)
        {
            return Quaternion.Inverse(rotation) * (point - position);
        }
    }

    public enum HumanBodyBones
    {
        Hips, LeftUpperLeg, RightUpperLeg, LeftLowerLeg, RightLowerLeg, LeftFoot, RightFoot, Spine, Chest,
        Neck, Head, LeftShoulder, RightShoulder, LeftUpperArm, RightUpperArm, LeftLowerArm, RightLowerArm,
        LeftHand, RightHand, LeftToes, RightToes, LeftEye, RightEye, Jaw, UpperChest = 54, LastBone = 55,
    }

    public struct SkeletonBone
    {
        public string name;
        public Vector3 position;
        public Quaternion rotation;
        public Vector3 scale;
    }

    public struct HumanDescription
    {
        public SkeletonBone[] skeleton;
    }

    public class Avatar : Object
    {
        public bool isHuman;
        public HumanDescription humanDescription;
    }

    public class Animator : Component
    {
        public Avatar avatar;
        public readonly Dictionary<HumanBodyBones, Transform> Bones = new Dictionary<HumanBodyBones, Transform>();

        public Transform GetBoneTransform(HumanBodyBones bone)
        {
            return Bones.ContainsKey(bone) ? Bones[bone] : null;
        }
    }

    public class Mesh : Object
    {
        public string[] Shapes = new string[0];

        public int blendShapeCount
        {
            get { return Shapes.Length; }
        }

        public string GetBlendShapeName(int index)
        {
            return Shapes[index];
        }
    }

    public class SkinnedMeshRenderer : Component
    {
        public Mesh sharedMesh;
        public readonly Dictionary<int, float> Weights = new Dictionary<int, float>();

        public void SetBlendShapeWeight(int index, float value)
        {
            Weights[index] = value;
        }
    }

    public class Camera : Component
    {
        public bool usePhysicalProperties;
        public float focalLength, focusDistance, aperture;
        public Vector2 sensorSize;
    }

    public static class Application
    {
        public static bool isPlaying = true;
    }

    public static class Debug
    {
        public static readonly List<string> Said = new List<string>();

        public static void Log(object message, Object about)
        {
            Said.Add(message.ToString());
        }

        public static void LogWarning(object message, Object about)
        {
            Said.Add(message.ToString());
        }

        public static void LogError(object message, Object about)
        {
            Said.Add(message.ToString());
        }
    }

    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string name) { }
    }

    public sealed class DefaultExecutionOrder : Attribute
    {
        public DefaultExecutionOrder(int order) { }
    }

    public sealed class DisallowMultipleComponent : Attribute { }

    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type type) { }
    }

    public sealed class TooltipAttribute : Attribute
    {
        public TooltipAttribute(string text) { }
    }

    public sealed class RangeAttribute : Attribute
    {
        public RangeAttribute(float least, float most) { }
    }
}
