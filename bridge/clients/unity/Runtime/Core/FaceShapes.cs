// ARKit's 52 face shapes under the names that rigs give them.

using System;
using System.Collections.Generic;
using System.Text;

namespace Understudy
{
    public static class FaceShapes
    {
        /// <summary>A name without its rig's habits: blendShape1.eyeBlink_L, Eye_Blink_Left and
        /// eyeBlinkLeft are one.</summary>
        public static string Plain(string name)
        {
            int dot = name.LastIndexOfAny(new[] { '.', ':', '|' });
            string bare = name.Substring(dot + 1);
            var words = new StringBuilder();
            for (int i = 0; i < bare.Length; i++)
            {
                char letter = bare[i];
                bool starts = char.IsUpper(letter) && i > 0 && !char.IsUpper(bare[i - 1]);
                if (starts || !char.IsLetterOrDigit(letter))
                    words.Append(' ');
                if (char.IsLetterOrDigit(letter))
                    words.Append(char.ToLowerInvariant(letter));
            }
            var plain = new StringBuilder();
            foreach (string word in words.ToString().Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries))
                if (word == "l")
                    plain.Append("left");
                else if (word == "r")
                    plain.Append("right");
                else if (word != "ar" && word != "arkit" && word != "blendshape" && word != "bs")
                    plain.Append(word);
            return plain.ToString();
        }

        /// <summary>For each shape of a mesh the index of the curve that drives it, -1 for none: by
        /// the exact name first, then by what the name means.</summary>
        public static int[] Match(IList<string> shapes, IList<string> curves)
        {
            var exact = new Dictionary<string, int>();
            var plain = new Dictionary<string, int>();
            for (int i = 0; i < curves.Count; i++)
            {
                exact[curves[i]] = i;
                plain[Plain(curves[i])] = i;
            }
            var found = new int[shapes.Count];
            for (int i = 0; i < shapes.Count; i++)
            {
                int at;
                found[i] = exact.TryGetValue(shapes[i], out at) || plain.TryGetValue(Plain(shapes[i]), out at)
                    ? at
                    : -1;
            }
            return found;
        }
    }
}
