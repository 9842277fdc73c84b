//! The standard normal distribution, accurate far into its tails.

/// The logarithm of the square root of 2π.
pub(crate) const LOG_SQRT_2_PI: f64 = 0.918_938_533_204_672_7;

/// The density at `x`.
pub fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x - LOG_SQRT_2_PI)
}

/// The probability of a value below `x`.
pub fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The logarithm of [`cumulative`], without underflow.
pub fn log_cumulative(x: f64) -> f64 {
    if x > -5.0 {
        return libm::log(cumulative(x));
    }
    -0.5 * x * x - LOG_SQRT_2_PI + libm::log(mills_ratio(-x))
}

/// The ratio of the upper tail's probability to the density, for `t` of 2 or more.
///
/// Laplace's continued fraction 1/(t + 1/(t + 2/(t + ...))), evaluated from its end.
pub fn mills_ratio(t: f64) -> f64 {
    1.0 / (t + mills_tail(t))
}

/// The continued fraction 1/(t + 2/(t + 3/(t + ...))) inside [`mills_ratio`], for `t` of 2 or more.
///
/// With it, 1 - t * `mills_ratio(t)` = `mills_tail(t)` * `mills_ratio(t)`, without cancellation.
pub fn mills_tail(t: f64) -> f64 {
    let terms = if t < 5.0 { 90 } else { 30 };
    let mut tail = 0.0;
    for k in (1..=terms).rev() {
        tail = f64::from(k) / (t + tail);
    }
    tail
}

/// The value below which a share `p` of the distribution lies; infinite at 0 and 1.
///
/// Source: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
/// Applied Statistics 37 (1988); relative error about 1e-16.
pub fn quantile(p: f64) -> f64 {
    if p.is_nan() || p <= 0.0 {
        return if p.is_nan() {
            f64::NAN
        } else {
            f64::NEG_INFINITY
        };
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE_ABOVE, &CENTRE_BELOW);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let size = if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE_ABOVE, &MIDDLE_BELOW)
    } else {
        ratio(r - 5.0, &FAR_ABOVE, &FAR_BELOW)
    };
    if q < 0.0 { -size } else { size }
}

/// The quotient of two polynomials whose coefficients ascend.
fn ratio(x: f64, above: &[f64; 8], below: &[f64; 8]) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    value(above) / value(below)
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const MIDDLE_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_the_inverse_of_the_distribution() {
        for p in [1e-300, 1e-20, 1e-8, 0.01, 0.07, 0.3, 0.5, 0.8, 0.95, 0.999] {
            let back = cumulative(quantile(p));
            assert!((back / p - 1.0).abs() < 1e-11, "{p}: {back}");
        }
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
    }

    #[test]
    fn the_logarithm_of_the_distribution_is_right_in_the_tail() {
        // Made with 50 digits by mpmath.
        for (x, expected) in [
            (-1.0, -1.841_021_645_009_263_7),
            (-10.0, -53.231_285_150_512_47),
            (-40.0, -804.608_442_013_753_8),
        ] {
            let found = log_cumulative(x);
            assert!((found / expected - 1.0).abs() < 1e-13, "{x}: {found}");
        }
    }
}
