// Not compiled here. Put it on any object of a scene that has an Understudy Stage.

using Understudy;
using UnityEngine;

public sealed class StreamHud : MonoBehaviour
{
    private UnderstudyStage stage;

    private void OnEnable()
    {
        stage = UnderstudyStage.InScene();
    }

    private void OnGUI()
    {
        if (stage == null)
            return;
        GUILayout.Label(stage.Status);
        Frame frame = stage.Frame;
        for (int i = 0; frame != null && i < frame.Subjects.Count; i++)
        {
            Subject one = frame.Subjects[i];
            GUILayout.Label(one.Name + ": " + one.State + " " + one.Reason);
        }
    }
}
