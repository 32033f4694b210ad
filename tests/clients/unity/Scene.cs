// A scene of stand-ins: a stage's connection, a rig by names, a Humanoid with bone axes of its own, a
// face, a camera and a prop; stepped by the tests as Unity would.

using System;
using System.Collections.Generic;
using Understudy;
using UnityEngine;

internal static partial class Harness
{
    private static UnderstudyStage stage;
    private static PoseReceiver byNames;
    private static PoseReceiver human;
    private static CameraReceiver cameraReceiver;
    private static PropReceiver propReceiver;
    private static readonly Dictionary<string, Transform> namedBones = new Dictionary<string, Transform>();
    private static readonly Dictionary<string, Transform> humanBones = new Dictionary<string, Transform>();

    private static string InScene(string[] words)
    {
        switch (words[0])
        {
            case "scene": // ADDRESS INTERPOLATE, then name:parent:position:rotation... of the rest pose
                return BuildScene(words[1], words[2] == "1", words[3].Split(','),
                    Array.ConvertAll(words[4].Split(','), int.Parse), Floats(words[5]), Floats(words[6]));
            case "step":
                return Step(int.Parse(words[1]));
            case "scene_off":
                stage.OnDisable();
                return "{}";
            default:
                throw new ArgumentException("no command " + words[0]);
        }
    }

    /// rest: 3 + 4 numbers a joint, Unity's space; own: a rotation that every Humanoid bone has on top,
    /// then a place and a turn of both characters' roots.
    private static string BuildScene(
        string address, bool interpolate, string[] names, int[] parents, float[] rest, float[] own)
    {
        UnityEngine.Object.Scene.Clear();
        Debug.Said.Clear();
        stage = new Transform("Stage", null).Add(new UnderstudyStage());
        stage.address = address;
        stage.interpolate = interpolate;
        var root = new Transform("Named", null);
        root.localPosition = new Vector3(own[4], own[5], own[6]);
        root.localRotation = new Quaternion(own[7], own[8], own[9], own[10]);
        Build(root, names, parents, rest, Quaternion.identity, namedBones, "mixamorig:");
        byNames = root.Add(new PoseReceiver());
        var mesh = new SkinnedMeshRenderer
        {
            sharedMesh = new Mesh { Shapes = new[] { "face.jaw_Open", "smile", "browInnerUp" } },
        };
        root.Add(mesh);

        root = new Transform("Human", null);
        root.localPosition = new Vector3(own[4], own[5], own[6]);
        root.localRotation = new Quaternion(own[7], own[8], own[9], own[10]);
        Build(root, names, parents, rest, new Quaternion(own[0], own[1], own[2], own[3]), humanBones, "B_");
        var animator = root.Add(new Animator());
        var pose = new List<SkeletonBone>();
        foreach (KeyValuePair<string, int> role in HumanRoles.Find(names, parents))
            animator.Bones[(HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), role.Key)] =
                humanBones[names[role.Value]];
        foreach (Transform bone in humanBones.Values)
        {
            pose.Add(new SkeletonBone
            {
                name = bone.name, position = bone.localPosition, rotation = bone.localRotation,
                scale = bone.localScale,
            });
            // Where the rig happens to be when the scene starts is no rest pose: the avatar's is.
            bone.localRotation = bone.localRotation * new Quaternion(0.6f, 0, 0, 0.8f);
        }
        animator.avatar = new Avatar
        {
            isHuman = true, humanDescription = new HumanDescription { skeleton = pose.ToArray() },
        };
        human = root.Add(new PoseReceiver());
        var view = new Transform("Camera", null);
        view.Add(new Camera());
        cameraReceiver = view.Add(new CameraReceiver());
        propReceiver = new Transform("Sword", null).Add(new PropReceiver());
        propReceiver.prop = "sword";
        byNames.Awake();
        human.Awake();
        stage.OnEnable();
        byNames.OnEnable();
        human.OnEnable();
        cameraReceiver.OnEnable();
        propReceiver.OnEnable();
        return "{}";
    }

    private static void Build(Transform root, string[] names, int[] parents, float[] rest, Quaternion own,
        Dictionary<string, Transform> bones, string prefix)
    {
        bones.Clear();
        var world = new Quaternion[names.Length];
        for (int j = 0; j < names.Length; j++)
        {
            Transform parent = parents[j] < 0 ? root : bones[names[parents[j]]];
            var bone = new Transform(prefix + names[j], parent);
            var local = new Quaternion(rest[7 * j + 3], rest[7 * j + 4], rest[7 * j + 5], rest[7 * j + 6]);
            var place = new Vector3(rest[7 * j], rest[7 * j + 1], rest[7 * j + 2]);
            world[j] = parents[j] < 0 ? local : world[parents[j]] * local;
            Vector3 at = parents[j] < 0 ? place : Quaternion.Inverse(own) * place;
            bone.localPosition = at;
            bone.localRotation = parents[j] < 0
                ? world[j] * own
                : Quaternion.Inverse(world[parents[j]] * own) * (world[j] * own);
            bones[names[j]] = bone;
        }
    }

    /// Unity's frames until the stage has one, at most so many; answers what everything stands like.
    private static string Step(int most)
    {
        for (int i = 0; i < most; i++)
        {
            stage.Update();
            byNames.LateUpdate();
            human.LateUpdate();
            cameraReceiver.LateUpdate();
            propReceiver.LateUpdate();
            if (stage.Frame != null)
                break;
            System.Threading.Thread.Sleep(2);
        }
        Camera lens = cameraReceiver.GetComponent<Camera>();
        SkinnedMeshRenderer mesh = byNames.GetComponent<SkinnedMeshRenderer>();
        float[] shapes = Array.ConvertAll(
            new[] { 0, 1, 2 }, i => mesh.Weights.ContainsKey(i) ? mesh.Weights[i] : -1f);
        return "{\"sequence\": " + (stage.Frame == null ? "null" : stage.Frame.Sequence.ToString())
            + ", \"time_ns\": " + (stage.Frame == null ? 0 : stage.Frame.PublishNs)
            + ", \"age_s\": " + (float.IsNaN(stage.AgeS) ? "null" : stage.AgeS.ToString("r"))
            + ", \"named\": " + Standing(namedBones) + ", \"human\": " + Standing(humanBones)
            + ", \"state\": " + Text(human.State.ToString()) + ", \"reason\": " + Text(human.Reason)
            + ", \"bones\": [" + byNames.BoneCount + ", " + human.BoneCount + "]"
            + ", \"status\": " + Text(stage.Status)
            + ", \"curves\": " + Raw(shapes)
            + ", \"camera\": " + Standing(new Dictionary<string, Transform> { { "", lens.transform } })
            + ", \"prop\": "
            + Standing(new Dictionary<string, Transform> { { "", propReceiver.transform } })
            + ", \"lens\": " + Raw(new[] { lens.focalLength, lens.sensorSize.x, lens.sensorSize.y,
                lens.focusDistance, lens.aperture })
            + ", \"said\": [" + string.Join(", ", Debug.Said.ConvertAll(Text)) + "]}";
    }

    private static string Standing(Dictionary<string, Transform> bones)
    {
        var positions = new List<float>();
        var rotations = new List<float>();
        foreach (Transform bone in bones.Values)
        {
            Vector3 p = bone.position;
            Quaternion q = bone.rotation;
            positions.AddRange(new[] { p.x, p.y, p.z });
            rotations.AddRange(new[] { q.x, q.y, q.z, q.w });
        }
        return "{\"positions\": " + Raw(positions.ToArray()) + ", \"rotations\": "
            + Raw(rotations.ToArray()) + "}";
    }
}
