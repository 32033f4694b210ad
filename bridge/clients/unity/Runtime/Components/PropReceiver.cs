// NOT COMPILED AGAINST UNITY HERE: the tests compile and run it against small stand-ins of
// UnityEngine's types (tests/clients/unity/stubs). What thinks is in Runtime/Core.

using UnityEngine;

namespace Understudy
{
    /// <summary>Moves an object as one of the stage's props.</summary>
    [AddComponentMenu("Understudy/Prop Receiver")]
    [DefaultExecutionOrder(1000)]
    public sealed class PropReceiver : MonoBehaviour
    {
        [Tooltip("The connection; empty: the first in the scene.")]
        public UnderstudyStage stage;

        [Tooltip("Name of the prop on the stage.")]
        public string prop = "";

        [Tooltip("What the stage's origin is in this scene; empty: the world's.")]
        public Transform origin;

        public void OnEnable()
        {
            if (stage == null)
                stage = UnderstudyStage.InScene();
        }

        public void LateUpdate()
        {
            Frame frame = stage == null ? null : stage.Frame;
            for (int i = 0; frame != null && i < frame.Props.Count; i++)
            {
                Prop one = frame.Props[i];
                if (one.Name != prop)
                    continue;
                var place = new Vector3(one.Position[0], one.Position[1], one.Position[2]);
                var turn = new Quaternion(one.Rotation[0], one.Rotation[1], one.Rotation[2], one.Rotation[3]);
                transform.position = origin == null ? place : origin.TransformPoint(place);
                transform.rotation = origin == null ? turn : origin.rotation * turn;
            }
        }
    }
}
