// Ground-truth ambient occlusion (Jimenez et al. 2016) with a hard cut at the radius: horizons in
// $SLICES$ slices of $STEPS$ taps to each side, integrated against the cosine in closed form.
#include "contact_common.glsl"

uniform vec2 fit;         // gain and power, fitted on the training set
out vec2 result;          // open share of the hemisphere, depth

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = vec2(1.0, centre.w); return; }

    ivec2 last = textureSize(packed_pixels, 0) - 1;
    vec3 n = centre.xyz, ray = ray_at(p), at = ray * centre.w;
    vec3 view = -ray * inversesqrt(dot(ray, ray));
    float wished = lens.y / centre.w * lens.x;
    float pixels = min(wished, lens.z);
    int k = tile(p);
    float jitter = (float((k * 7) & 15) + 0.5) * 0.0625;
    float open = 0.0;
    for (int s = 0; s < $SLICES$; ++s) {
        float turn = (float(s) + (float(k) + 0.5) * 0.0625) * (3.14159265 / float($SLICES$));
        vec2 way = vec2(cos(turn), sin(turn));
        vec3 along = vec3(way, 0.0);
        vec3 flat_way = along - dot(along, view) * view;
        vec3 axis = normalize(cross(along, view));
        vec3 projected = n - axis * dot(n, axis);
        float weight = length(projected);
        float side = sign(dot(flat_way, projected));
        float lean = side * acos(clamp(dot(projected, view) / max(weight, 1e-5), -1.0, 1.0));
        float low_a = cos(lean + 1.57079633), low_b = cos(lean - 1.57079633);
        vec2 horizon = vec2(low_a, low_b);
        for (int i = 0; i < $STEPS$; ++i) {
            float reach = (float(i) + jitter) * (1.0 / float($STEPS$));
            vec2 off = way * (reach * pixels);
            ivec2 qa = clamp(ivec2(floor(vec2(p) + 0.5 + off)), ivec2(0), last);
            ivec2 qb = clamp(ivec2(floor(vec2(p) + 0.5 - off)), ivec2(0), last);
            vec3 va = ray_at(qa) * texelFetch(packed_pixels, qa, 0).w - at;
            vec3 vb = ray_at(qb) * texelFetch(packed_pixels, qb, 0).w - at;
            float da = dot(va, va), db = dot(vb, vb), r2 = lens.y * lens.y;
            float ca = dot(va, view) * inversesqrt(max(da, 1e-12));
            float cb = dot(vb, view) * inversesqrt(max(db, 1e-12));
            if (da < r2 && da > 1e-8) horizon.x = max(horizon.x, ca);
            if (db < r2 && db > 1e-8) horizon.y = max(horizon.y, cb);
        }
        float ha = acos(clamp(horizon.x, -1.0, 1.0)), hb = -acos(clamp(horizon.y, -1.0, 1.0));
        ha = lean + min(ha - lean, 1.57079633);
        hb = lean + max(hb - lean, -1.57079633);
        float sine = sin(lean), cosine = cos(lean);
        open += weight * 0.25 * (2.0 * cosine + 2.0 * (ha + hb) * sine
                                 - cos(2.0 * ha - lean) - cos(2.0 * hb - lean));
    }
    float ao = pow(max(1.0 - fit.x * (1.0 - open / float($SLICES$)), 0.0), fit.y);
    result = vec2(mix(1.0, ao, clamp((wished - 1.5) * 0.25, 0.0, 1.0)), centre.w);
}
