//! Colours by lightness and hue: CIE L*a*b* with the white of sRGB (D65).

/// L* from 0 to 100, a* and b*.
pub(super) type Lab = [f32; 3];

const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];

/// Both ways, with the slow part of sRGB's curve looked up.
pub(super) struct Space {
    linear: [f32; 256],
}

impl Space {
    pub(super) fn new() -> Self {
        let mut linear = [0.0; 256];
        for (value, light) in linear.iter_mut().enumerate() {
            let value = value as f32 / 255.0;
            *light = if value > 0.040_45 {
                ((value + 0.055) / 1.055).powf(2.4)
            } else {
                value / 12.92
            };
        }
        Self { linear }
    }

    pub(super) fn lab(&self, rgb: [u8; 3]) -> Lab {
        let [r, g, b] = rgb.map(|value| self.linear[usize::from(value)]);
        let xyz = [
            0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
            0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
            0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b,
        ];
        let root = |at: usize| {
            let t = xyz[at] / WHITE[at];
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let [x, y, z] = [root(0), root(1), root(2)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    pub(super) fn rgb(&self, [l, a, b]: Lab) -> [u8; 3] {
        let y = (l + 16.0) / 116.0;
        let cube = |t: f32, white: f32| {
            white
                * if t > 0.206_893 {
                    t * t * t
                } else {
                    (t - 16.0 / 116.0) / 7.787
                }
        };
        let (x, y, z) = (
            cube(y + a / 500.0, WHITE[0]),
            cube(y, WHITE[1]),
            cube(y - b / 200.0, WHITE[2]),
        );
        let rgb = [
            3.240_454 * x - 1.537_138 * y - 0.498_531 * z,
            -0.969_266 * x + 1.876_011 * y + 0.041_556 * z,
            0.055_643 * x - 0.204_026 * y + 1.057_225 * z,
        ];
        rgb.map(shown)
    }
}

/// Linear light, 1 for white, as sRGB has it.
pub(super) fn shown(light: f32) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let value = if light > 0.003_130_8 {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    } else {
        12.92 * light
    };
    (value * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let space = Space::new();
        for rgb in [
            [0, 0, 0],
            [255, 255, 255],
            [200, 54, 88],
            [1, 2, 3],
            [0, 255, 0],
            [128, 128, 128],
        ] {
            let back = space.rgb(space.lab(rgb));
            assert!(
                back.iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= 1),
                "{rgb:?} {back:?}"
            );
        }
        let [l, a, b] = space.lab([255, 255, 255]);
        assert!((l - 100.0).abs() < 0.1 && a.abs() < 0.1 && b.abs() < 0.1);
    }
}
