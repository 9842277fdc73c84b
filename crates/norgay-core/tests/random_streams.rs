//! The random streams: pinned numbers, independence of addresses, uniformity.

use norgay_core::random::{Purpose, Stream};

#[test]
fn the_numbers_of_a_stream_never_change() {
    let mut stream = Stream::new(1234, 1, Purpose::Sample);
    let bits: Vec<u64> = (0..4).map(|_| stream.bits()).collect();
    // Computed by an independent ChaCha8: key from the seed by PCG32, stream in the last words.
    let golden = [
        14_186_737_530_289_716_489,
        11_186_135_773_478_349_782,
        17_957_904_015_432_675_356,
        10_143_806_237_741_736_342,
    ];
    assert_eq!(bits, golden, "stored studies would be replayed differently");
    let mut stream = Stream::new(0, 0, Purpose::Scramble);
    let bits = [stream.bits(), stream.bits()];
    assert_eq!(bits, [722_560_577_158_678_697, 900_493_232_103_884_966]);
    let mut stream = Stream::new(u64::MAX, 100_000, Purpose::Order);
    let below: Vec<u64> = (0..8).map(|_| stream.below(10)).collect();
    assert_eq!(below, [9, 0, 3, 8, 3, 2, 5, 7]);
    let mut items: Vec<u8> = (0..8).collect();
    stream.shuffle(&mut items);
    assert_eq!(items, [6, 0, 4, 5, 2, 7, 3, 1]);
}

#[test]
fn seed_trial_and_purpose_each_select_another_stream() {
    let purposes = [
        Purpose::Sample,
        Purpose::Order,
        Purpose::Scramble,
        Purpose::Selection,
    ];
    let mut first = std::collections::HashSet::new();
    for seed in [0, 1, 2, u64::MAX] {
        for trial in [0, 1, 2, 255, 256, 257, 1 << 40] {
            for purpose in purposes {
                assert!(first.insert(Stream::new(seed, trial, purpose).bits()));
            }
        }
    }
}

#[test]
fn unit_numbers_lie_below_one_and_pass_kolmogorov_smirnov() {
    let count = 100_000;
    let mut stream = Stream::new(7, 3, Purpose::Sample);
    let mut numbers: Vec<f64> = (0..count).map(|_| stream.unit()).collect();
    numbers.sort_by(f64::total_cmp);
    assert!(numbers[0] >= 0.0 && numbers[count - 1] < 1.0);
    let largest = numbers.iter().enumerate().map(|(index, number)| {
        let (below, above) = (
            index as f64 / count as f64,
            (index + 1) as f64 / count as f64,
        );
        (number - below).abs().max((number - above).abs())
    });
    // The 0.1 % point of the Kolmogorov distribution.
    assert!(largest.fold(0.0, f64::max) < 1.95 / (count as f64).sqrt());
}

#[test]
fn the_first_numbers_of_consecutive_trials_are_uniform_too() {
    let count = 20_000_u64;
    let mut cells = [0_u32; 20];
    for trial in 0..count {
        cells[(Stream::new(42, trial, Purpose::Sample).unit() * 20.0) as usize] += 1;
    }
    assert!(chi_squared(&cells) < 43.82, "{cells:?}"); // 0.1 % point, 19 degrees of freedom
}

#[test]
fn below_is_uniform_and_keeps_its_bound() {
    let mut stream = Stream::new(5, 1, Purpose::Order);
    let mut cells = [0_u32; 7];
    for _ in 0..70_000 {
        cells[stream.below(7) as usize] += 1;
    }
    assert!(chi_squared(&cells) < 22.46, "{cells:?}"); // 0.1 % point, 6 degrees of freedom
    assert_eq!(stream.below(0), 0);
    assert_eq!(stream.below(1), 0);
    // A bound that does not divide 2^64: plain scaling would prefer a third of the numbers.
    let bound = 3 << 62;
    let mut thirds = [0_u32; 3];
    for _ in 0..30_000 {
        let number = stream.below(bound);
        assert!(number < bound);
        thirds[(number >> 62) as usize] += 1;
    }
    assert!(chi_squared(&thirds) < 13.82, "{thirds:?}"); // 0.1 % point, 2 degrees of freedom
}

#[test]
fn every_order_is_equally_likely_after_a_shuffle() {
    let mut stream = Stream::new(11, 1, Purpose::Order);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..12_000 {
        let mut items = [0_u8, 1, 2];
        stream.shuffle(&mut items);
        *counts.entry(items).or_insert(0_u32) += 1;
    }
    let cells: Vec<u32> = counts.into_values().collect();
    assert_eq!(cells.len(), 6);
    assert!(chi_squared(&cells) < 20.52, "{cells:?}"); // 0.1 % point, 5 degrees of freedom
}

fn chi_squared(cells: &[u32]) -> f64 {
    let expected = f64::from(cells.iter().sum::<u32>()) / cells.len() as f64;
    let terms = cells
        .iter()
        .map(|cell| (f64::from(*cell) - expected).powi(2) / expected);
    terms.sum()
}
