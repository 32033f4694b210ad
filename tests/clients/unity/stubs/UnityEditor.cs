// Stand-ins for the few types of UnityEditor that the inspectors use.

using System;

namespace UnityEditor
{
    public enum MessageType
    {
        None, Info, Warning, Error,
    }

    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type type) { }
    }

    public class Editor : UnityEngine.Object
    {
        public UnityEngine.Object target;

        public bool DrawDefaultInspector()
        {
            return false;
        }

        public virtual bool RequiresConstantRepaint()
        {
            return false;
        }

        public virtual void OnInspectorGUI() { }
    }

    public static class EditorGUILayout
    {
        public static void HelpBox(string message, MessageType type) { }

        public static void LabelField(string label, string value) { }
    }
}
