// Which joint is the left knee: the names that rigs and mocap systems use, to Unity's names of human
// bones. The same rules as the stage's own (runtime/core/humanoid.py), and tested against them.

using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;

namespace Understudy
{
    public static class HumanRoles
    {
        private sealed class Part
        {
            public readonly Regex Pattern;
            public readonly string Role;

            public Part(string pattern, string role)
            {
                Pattern = new Regex(pattern);
                Role = role;
            }
        }

        // What a name says once side marks and punctuation are gone, most telling first.
        private static readonly Part[] Parts =
        {
            new Part(@"upleg|upperleg|thigh\d*$|thighbend|femur", "UpperLeg"),
            new Part(@"^(rig|base)?(leg|lowerleg|calf|shin|tibia|lowleg|knee)\d*$", "LowerLeg"),
            new Part(@"^(rig|base)?(foot|ankle)\d*$", "Foot"),
            new Part(@"^(rig|base)?(toe|toes|toebase|ball)\d*$", "Toes"),
            new Part(@"^(rig|base)?(shoulder|collar|clavicle|clav|scapula|thorax)\d*$", "Shoulder"),
            new Part(@"^(rig|base)?(arm|upperarm|uparm|uarm|shldr|shldrbend|humerus)\d*$", "UpperArm"),
            new Part(@"^(rig|base)?(forearm|forearmbend|lowerarm|lowarm|farm|elbow|radius)\d*$", "LowerArm"),
            new Part(@"^(rig|base)?(hand|wrist)\d*$", "Hand"),
        };

        private static readonly Regex HipsName = new Regex(@"^(rig|base)?(hips?|pelvis)$");
        private static readonly Regex NeckName = new Regex(@"^(rig|base)?neck(twist|lower)?0*1?$");
        private static readonly Regex HeadName = new Regex(@"^(rig|base)?head$");
        private static readonly Regex SpineName = new Regex(@"spine|abdomen|chest|waist|lowerback|torso");
        private static readonly string[] LegChain = { "UpperLeg", "LowerLeg", "Foot", "Toes" };
        private static readonly string[] ArmChain = { "Shoulder", "UpperArm", "LowerArm", "Hand" };
        private static readonly string[] Sides = { "Left", "Right" };

        private struct Plain
        {
            public string Side;
            public string Name;
        }

        /// <summary>Unity's name of a human bone -> joint, for those that names and tree
        /// reveal.</summary>
        public static Dictionary<string, int> Find(IList<string> names, IList<int> parents)
        {
            var found = new Dictionary<string, int>();
            var plain = new Plain[names.Count];
            var sided = new HashSet<string>();
            for (int j = 0; j < names.Count; j++)
            {
                plain[j] = ToPlain(names[j]);
                if (plain[j].Side != "")
                    sided.Add(plain[j].Name);
            }
            Dictionary<string, string> mean = BonesForJoints(sided);
            for (int j = 0; j < names.Count; j++)
                if (plain[j].Side != "" && mean.ContainsKey(plain[j].Name))
                    plain[j].Name = mean[plain[j].Name];
            foreach (Part part in Parts)
                for (int j = 0; j < names.Count; j++)
                {
                    string role = plain[j].Side + part.Role;
                    if (plain[j].Side != "" && !found.ContainsKey(role) && part.Pattern.IsMatch(plain[j].Name))
                        found[role] = j;
                }
            foreach (string side in Sides) // CMU's "LeftLeg" is a shin, "LeftArm" an upper arm
            {
                OrderChain(parents, found, side, LegChain);
                OrderChain(parents, found, side, ArmChain);
            }
            for (int j = 0; j < names.Count; j++)
            {
                if (plain[j].Side != "")
                    continue;
                FindOne(found, "Hips", HipsName, plain[j].Name, j);
                FindOne(found, "Neck", NeckName, plain[j].Name, j);
                FindOne(found, "Head", HeadName, plain[j].Name, j);
            }
            if (!found.ContainsKey("Hips") && found.ContainsKey("LeftUpperLeg") && found.ContainsKey("RightUpperLeg"))
            {
                List<int> right = Ancestors(parents, found["RightUpperLeg"]);
                int common = Ancestors(parents, found["LeftUpperLeg"]).FindIndex(right.Contains);
                if (common >= 0)
                    found["Hips"] = Ancestors(parents, found["LeftUpperLeg"])[common];
            }
            if (found.ContainsKey("Hips") && found.ContainsKey("Head"))
                FindSpine(names, parents, found);
            return found;
        }

        private static void FindOne(Dictionary<string, int> found, string role, Regex pattern, string name, int j)
        {
            if (!found.ContainsKey(role) && pattern.IsMatch(name))
                found[role] = j;
        }

        /// <summary>Side, and what is left of a name: lower case, no punctuation.</summary>
        private static Plain ToPlain(string name)
        {
            string bare = Regex.Replace(name, @"^(.*[:|])", "");
            bare = Regex.Replace(
                bare, @"^(CC_Base|mixamorig\d*|Bip\d+|DEF|ORG|J_Bip|Character1)[_\- ]?", "");
            bare = Regex.Replace(bare, @"^(b|bn|jnt|bone|joint)[_\-. ]|^C[_\-. ]|[_\-. ]M$", "");
            foreach (string side in Sides)
            {
                string a = side == "Left" ? "l" : "r", b = side == "Left" ? "L" : "R";
                string[] patterns =
                {
                    "(?i)^" + side + @"[_\-. ]?",
                    @"(?i)[_\-. ]?" + side + "$",
                    "^[" + a + b + @"][_\-. ]",
                    @"[_\-. ][" + a + b + "]$",
                    "^" + a + "(?=[A-Z])",
                    "^" + b + "(?=[A-Z][a-z]|[UF]Arm)",
                    "(?<=[a-z])" + b + "$",
                };
                foreach (string pattern in patterns)
                {
                    Match mark = Regex.Match(bare, pattern);
                    string cut = mark.Success ? bare.Remove(mark.Index, mark.Length) : "";
                    if (cut != "")
                        return new Plain { Side = side, Name = Letters(cut) };
                }
            }
            return new Plain { Side = "", Name = Letters(bare) };
        }

        private static string Letters(string text)
        {
            return Regex.Replace(text.ToLowerInvariant(), "[^a-z0-9]", "");
        }

        /// <summary>What names mean on a skeleton that calls its joints by anatomy, not by the bone
        /// below: there a shoulder is where the upper arm hangs.</summary>
        private static Dictionary<string, string> BonesForJoints(HashSet<string> names)
        {
            var mean = new Dictionary<string, string>();
            if (names.Contains("elbow"))
            {
                mean["elbow"] = "forearm";
                if (!names.Contains("arm") && !names.Contains("upperarm"))
                    mean["shoulder"] = "upperarm";
                if (names.Contains("wrist"))
                {
                    mean["wrist"] = "hand";
                    mean["hand"] = "palm";
                }
            }
            if (names.Contains("knee"))
            {
                mean["knee"] = "lowerleg";
                mean[names.Contains("leg") ? "leg" : "hip"] = "upleg";
            }
            if (names.Contains("ankle"))
            {
                mean["ankle"] = "foot";
                mean["foot"] = "toes";
            }
            return mean;
        }

        /// <summary>The joints above, nearest first.</summary>
        private static List<int> Ancestors(IList<int> parents, int joint)
        {
            var path = new List<int>();
            for (int j = parents[joint]; j >= 0; j = parents[j])
                path.Add(j);
            return path;
        }

        /// <summary>Drops a role whose joint does not hang below the chain's part before
        /// it.</summary>
        private static void OrderChain(
            IList<int> parents, Dictionary<string, int> found, string side, string[] chain)
        {
            int above = -1;
            foreach (string part in chain)
            {
                int joint;
                if (!found.TryGetValue(side + part, out joint))
                    continue;
                if (above >= 0 && !Ancestors(parents, joint).Contains(above))
                    found.Remove(side + part);
                else
                    above = joint;
            }
        }

        /// <summary>Names the joints between hips and neck: first Spine, middle Chest, last
        /// UpperChest.</summary>
        private static void FindSpine(IList<string> names, IList<int> parents, Dictionary<string, int> found)
        {
            int top = found.ContainsKey("Neck") ? found["Neck"] : found["Head"];
            List<int> path = Ancestors(parents, top);
            int hips = path.IndexOf(found["Hips"]);
            if (hips >= 0)
                path.RemoveRange(hips, path.Count - hips);
            else // hips and spine are siblings below a common root (CMU, DAZ, Character Creator)
                path = path.FindAll(j => SpineName.IsMatch(ToPlain(names[j]).Name));
            path.Reverse();
            if (path.Count == 0)
                return;
            if (path.Count == 1)
            {
                found["Chest"] = path[0];
                return;
            }
            found["Spine"] = path[0];
            found["UpperChest"] = path[path.Count - 1];
            if (path.Count > 2)
                found["Chest"] = path[path.Count / 2];
        }
    }
}
