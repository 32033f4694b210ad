// A G-buffer as one NCHW tensor: planes of width x height above one another in a single-channel
// target, so that reading the target back gives the tensor's memory as it is. Rows from the lowest.
#version 330 core

uniform sampler2D colour_texture;
uniform sampler2D normal_texture;
uniform sampler2D depth_texture;
uniform int plane_height;
uniform int downscale;
uniform float depth_scale;   // metres
uniform int kinds[16];       // for each plane: 0..2 colour, 3..5 normal, 6 depth
out float result;

void main()
{
    ivec2 at = ivec2(gl_FragCoord.xy);
    int kind = kinds[at.y / plane_height];
    ivec2 p = ivec2(at.x, at.y % plane_height) * downscale;
    ivec2 last = textureSize(depth_texture, 0) - 1;
    if (kind < 3) {
        float sum = 0.0;
        for (int y = 0; y < downscale; ++y)
            for (int x = 0; x < downscale; ++x)
                sum += texelFetch(colour_texture, min(p + ivec2(x, y), last), 0)[kind];
        result = sum / float(downscale * downscale);
        return;
    }
    // Normals and depths are not mixed across an edge: one pixel stands for its block.
    p = min(p, last);
    float depth = texelFetch(depth_texture, p, 0).r;
    bool sky = !(depth > 0.0 && depth < 1.0e4);
    // The ground fades into the sky: where it ends there is nothing to be seen, so no edge either.
    vec4 normal = sky ? vec4(0.0) : texelFetch(normal_texture, p, 0);
    normal.a = min(normal.a, 1.0);  // above it says of what the surface is
    if (kind < 6) result = normal[kind - 3] * normal.a;
    else result = mix(1.0, clamp(depth / depth_scale, 0.0, 1.0), normal.a);
}
