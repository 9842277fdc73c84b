//! The Sobol sequence in base 2, plain or scrambled, in up to 21,201 dimensions.
//!
//! Direction numbers: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better
//! two-dimensional projections", SIAM J. Sci. Comput. 30 (2008); see data/README.md. Scrambling:
//! nested uniform scrambling (A. B. Owen, 1995) by hashing, after S. Laine and T. Karras,
//! "Stratified sampling for stochastic transparency" (2011), and B. Burley, "Practical hash-based
//! Owen scrambling", JCGT 9 (2020), with the better mixing hash of N. Vegdahl (2021).
//!
//! Notation: `v[k]` is the direction number of bit k, as a fraction of 2^32; the point of index n
//! is the exclusive or of `v[k]` over the bits k of n's Gray code.

use crate::random::{Purpose, Stream};

/// The most dimensions for which there are direction numbers.
pub const MAX_DIMENSIONS: usize = 21_201;

const BITS: usize = 32;
const TABLE: &[u8] = include_bytes!("../../data/sobol_directions.bin");

/// A Sobol sequence of some dimension; any of its first 2^32 points can be asked for.
#[derive(Clone, Debug)]
pub struct SobolSequence {
    directions: Vec<[u32; BITS]>,
    /// One scrambling seed a dimension; empty if the points are plain.
    scrambling: Vec<u32>,
}

impl SobolSequence {
    /// The plain sequence; `None` beyond [`MAX_DIMENSIONS`].
    pub fn plain(dimensions: usize) -> Option<Self> {
        (dimensions <= MAX_DIMENSIONS).then(|| Self {
            directions: directions(dimensions),
            scrambling: Vec::new(),
        })
    }

    /// The sequence scrambled by a seed: each seed gives other points of the same evenness.
    pub fn scrambled(dimensions: usize, seed: u64) -> Option<Self> {
        let mut sequence = Self::plain(dimensions)?;
        let mut stream = Stream::new(seed, 0, Purpose::Scramble);
        sequence.scrambling = (0..dimensions).map(|_| stream.bits() as u32).collect();
        Some(sequence)
    }

    /// The point of an index, coordinates in [0, 1). O(dimensions * log index).
    pub fn point(&self, index: u32) -> Vec<f64> {
        let gray = index ^ (index >> 1);
        let coordinate = |(dimension, directions): (usize, &[u32; BITS])| {
            let plain = (0..BITS)
                .filter(|bit| gray >> bit & 1 == 1)
                .fold(0, |sum, bit| sum ^ directions[bit]);
            match self.scrambling.get(dimension) {
                None => f64::from(plain) / 4_294_967_296.0,
                // The middle of the point's cell: 0 itself would be an end of every range.
                Some(seed) => (f64::from(scramble(plain, *seed)) + 0.5) / 4_294_967_296.0,
            }
        };
        self.directions.iter().enumerate().map(coordinate).collect()
    }
}

/// Flips every bit depending on all higher bits and the seed: a nested uniform scramble.
fn scramble(point: u32, seed: u32) -> u32 {
    let mut x = point.reverse_bits();
    x ^= x.wrapping_mul(0x3d20_adea);
    x = x.wrapping_add(seed);
    x = x.wrapping_mul((seed >> 16) | 1);
    x ^= x.wrapping_mul(0x0552_6c56);
    x ^= x.wrapping_mul(0x53a2_2864);
    x.reverse_bits()
}

/// Direction numbers of the first dimensions.
fn directions(dimensions: usize) -> Vec<[u32; BITS]> {
    let mut all = Vec::with_capacity(dimensions);
    if dimensions > 0 {
        // The first dimension is van der Corput's sequence.
        all.push(std::array::from_fn(|bit| 1 << (BITS - 1 - bit)));
    }
    let mut table = TABLE;
    while all.len() < dimensions {
        let polynomial = u32::from(table[0]) | u32::from(table[1]) << 8 | u32::from(table[2]) << 16;
        let degree = polynomial.ilog2() as usize;
        let width = degree * (degree - 1) / 2;
        let (packed, rest) = table[3..].split_at(width.div_ceil(8));
        all.push(expanded(polynomial, degree, packed));
        table = rest;
    }
    all
}

/// All direction numbers of a dimension from its first ones, by the polynomial's recurrence.
fn expanded(polynomial: u32, degree: usize, packed: &[u8]) -> [u32; BITS] {
    let mut numbers = [0_u32; BITS];
    let mut place = 0;
    for (index, number) in numbers.iter_mut().enumerate().take(degree) {
        let bit = |offset: usize| {
            let at = place + offset;
            u32::from(packed[at / 8] >> (at % 8) & 1) << offset
        };
        *number = (0..index).map(bit).sum::<u32>() << 1 | 1;
        place += index;
    }
    for index in degree..BITS {
        let mut number = numbers[index - degree];
        for back in 1..=degree {
            if polynomial >> (degree - back) & 1 == 1 {
                number ^= numbers[index - back] << back;
            }
        }
        numbers[index] = number;
    }
    std::array::from_fn(|index| numbers[index] << (BITS - 1 - index))
}
