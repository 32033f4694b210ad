// NOT COMPILED AGAINST UNITY HERE: only against stand-ins (tests/clients/unity/stubs).

using UnityEditor;
using UnityEngine;

namespace Understudy
{
    /// <summary>Under the fields: what comes from the stage, live.</summary>
    [CustomEditor(typeof(UnderstudyStage))]
    public sealed class UnderstudyStageEditor : Editor
    {
        public override bool RequiresConstantRepaint()
        {
            return Application.isPlaying;
        }

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var stage = (UnderstudyStage)target;
            if (!Application.isPlaying)
                return;
            bool fresh = stage.Frame != null && stage.SilentS < 1f;
            EditorGUILayout.HelpBox(stage.Status, fresh ? MessageType.Info : MessageType.Warning);
            Statistics seen = stage.Statistics;
            if (seen == null)
                return;
            EditorGUILayout.LabelField("Last frame", (stage.SilentS * 1000f).ToString("0") + " ms ago");
            string age = float.IsNaN(stage.AgeS) ? "unknown: another machine's clock" : (stage.AgeS * 1000f).ToString("0") + " ms";
            EditorGUILayout.LabelField("Age of what is shown", age);
            EditorGUILayout.LabelField("Frames", seen.Frames + ", lost " + seen.Lost);
            EditorGUILayout.LabelField(
                "Refused", seen.Malformed + " damaged, " + seen.OtherVersion + " of another version");
            EditorGUILayout.LabelField("Extrapolated", stage.Buffer.Extrapolated + ", held " + stage.Buffer.Held);
        }
    }

    [CustomEditor(typeof(PoseReceiver))]
    public sealed class PoseReceiverEditor : Editor
    {
        public override bool RequiresConstantRepaint()
        {
            return Application.isPlaying;
        }

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var receiver = (PoseReceiver)target;
            if (!Application.isPlaying)
                return;
            bool live = receiver.State == SubjectState.Live;
            string why = string.IsNullOrEmpty(receiver.Reason) ? "" : ": " + receiver.Reason;
            EditorGUILayout.HelpBox(
                receiver.State + why + " (" + receiver.BoneCount + " bones)",
                live ? MessageType.Info : MessageType.Warning);
        }
    }
}
