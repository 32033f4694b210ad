// NOT COMPILED AGAINST UNITY HERE: the tests compile and run it against small stand-ins of
// UnityEngine's types (tests/clients/unity/stubs). What thinks is in Runtime/Core.

using UnityEngine;

namespace Understudy
{
    /// <summary>Moves a camera as one of the stage's, and sets its lens: focal length, sensor, focus
    /// distance and aperture of a physical camera.</summary>
    [AddComponentMenu("Understudy/Camera Receiver")]
    [DefaultExecutionOrder(1000)]
    [RequireComponent(typeof(Camera))]
    public sealed class CameraReceiver : MonoBehaviour
    {
        [Tooltip("The connection; empty: the first in the scene.")]
        public UnderstudyStage stage;

        [Tooltip("Name of the camera on the stage; empty: the first.")]
        public string cameraName = "";

        [Tooltip("What the stage's origin is in this scene; empty: the world's.")]
        public Transform origin;

        private Camera lens;

        /// <summary>Distance in focus in metres, 0 where the stage does not know it: for the depth of
        /// field of your render pipeline.</summary>
        public float FocusM { get; private set; }

        /// <summary>f-number, 0 where the stage does not know it.</summary>
        public float Iris { get; private set; }

        public void OnEnable()
        {
            lens = GetComponent<Camera>();
            if (stage == null)
                stage = UnderstudyStage.InScene();
        }

        public void LateUpdate()
        {
            StreamCamera now = stage == null || stage.Frame == null ? null : stage.Frame.FindCamera(cameraName);
            if (now == null)
                return;
            var place = new Vector3(now.Position[0], now.Position[1], now.Position[2]);
            var turn = new Quaternion(now.Rotation[0], now.Rotation[1], now.Rotation[2], now.Rotation[3]);
            transform.position = origin == null ? place : origin.TransformPoint(place);
            transform.rotation = origin == null ? turn : origin.rotation * turn;
            FocusM = now.FocusM;
            Iris = now.Iris;
            if (now.FocalMm <= 0f)
                return;
            lens.usePhysicalProperties = true;
            if (now.SensorWidthMm > 0f && now.SensorHeightMm > 0f)
                lens.sensorSize = new Vector2(now.SensorWidthMm, now.SensorHeightMm);
            lens.focalLength = now.FocalMm;
#if UNITY_2022_2_OR_NEWER
            if (now.FocusM > 0f)
                lens.focusDistance = now.FocusM;
            if (now.Iris > 0f)
                lens.aperture = now.Iris;
#endif
        }
    }
}
