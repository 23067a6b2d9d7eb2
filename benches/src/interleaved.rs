use std::{fmt, hint::black_box, time::Duration};

use criterion::{
    Criterion, SamplingMode,
    measurement::{Measurement, WallTime},
};

/// A group of functions that are measured in turns, so that whatever slows the machine down slows
/// all of them down alike: for ratios that are smaller than the difference between two minutes of
/// a shared machine.
///
/// Criterion measures one function after the other, for some seconds each. Here all of them are
/// measured when the first one is asked for: in each of criterion's hundred samples they take short
/// turns, and the sample of a function is the median of its turns. Criterion is then told these
/// samples, for its statistics and its report; the count of iterations that it prints is its own
/// plan and not what was run.
pub struct Interleaved<'a> {
    group: &'a str,
    names: Vec<&'a str>,
    turns: Vec<Turn<'a>>,
    iterations: usize,
}

/// Runs a function so many times and says how long that took.
type Turn<'a> = Box<dyn FnMut(usize) -> Duration + 'a>;

/// Criterion's own default, so that each sample is told once.
const SAMPLES: usize = 100;
/// Long enough for many turns of each, and in all for the bad seconds of a machine to be few.
const TIME_OF_A_SAMPLE: Duration = Duration::from_millis(100);
const LEAST_TURNS: usize = 15;
/// So many inputs fit the nearest caches, and reading the clock is still a small part of a turn.
const ITERATIONS_OF_A_TURN: usize = 64;

impl<'a> Interleaved<'a> {
    /// A group without functions.
    #[must_use]
    pub fn new(group: &'a str) -> Self {
        Self {
            group,
            names: Vec::new(),
            turns: Vec::new(),
            iterations: ITERATIONS_OF_A_TURN,
        }
    }

    /// So many iterations at a turn, for what takes long: a turn has to fit between two disturbances.
    #[must_use]
    pub fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Adds a function. Neither making its input nor dropping its output is measured.
    pub fn add<I, O>(
        &mut self,
        name: &'a str,
        mut input: impl FnMut() -> I + 'a,
        mut run: impl FnMut(I) -> O + 'a,
    ) {
        self.names.push(name);
        self.turns.push(Box::new(move |iterations| {
            let inputs: Vec<I> = black_box((0..iterations).map(|_| input()).collect());
            let mut outputs = Vec::with_capacity(iterations);
            let begun = WallTime.start();
            outputs.extend(inputs.into_iter().map(&mut run));
            let time = WallTime.end(begun);
            drop(black_box(outputs));
            time
        }));
    }

    /// Adds a function that runs so many iterations by itself, of which some may be under way at a time. All of it is measured.
    pub fn add_many(&mut self, name: &'a str, mut run: impl FnMut(usize) + 'a) {
        self.names.push(name);
        self.turns.push(Box::new(move |iterations| {
            let begun = WallTime.start();
            run(iterations);
            WallTime.end(begun)
        }));
    }

    /// Measures the group and reports it; runs everything once where criterion only tests.
    pub fn bench(mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group(self.group);
        // All samples count the same, whatever number of iterations criterion plans for them.
        group
            .sample_size(SAMPLES)
            .sampling_mode(SamplingMode::Flat)
            .warm_up_time(Duration::from_nanos(1));
        let mut measured = None;
        let iterations_of_a_turn = self.iterations;
        for (index, name) in self.names.iter().enumerate() {
            let mut calls = 0;
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|iterations| {
                    calls += 1;
                    // All of a test, and all of criterion's warming up.
                    if calls == 1 {
                        return self.turns[index](1);
                    }
                    let samples = measured
                        .get_or_insert_with(|| measure(&mut self.turns, iterations_of_a_turn));
                    let sample = samples[calls % SAMPLES][index];
                    Duration::from_secs_f64(sample * iterations as f64)
                });
            });
        }
        group.finish();
    }
}

/// One sample of every function: the seconds that one iteration takes.
type Sample = Vec<f64>;

fn measure(turns: &mut [Turn<'_>], iterations: usize) -> Vec<Sample> {
    // The first one warms up, and is not told.
    (0..=SAMPLES)
        .map(|_| sample(turns, iterations))
        .skip(1)
        .collect()
}

fn sample(turns: &mut [Turn<'_>], iterations: usize) -> Sample {
    let mut times = vec![Vec::new(); turns.len()];
    let begun = WallTime.start();
    while times[0].len() < LEAST_TURNS || WallTime.end(begun) < TIME_OF_A_SAMPLE {
        // Every function comes first, and last, as often as any other.
        let first = times[0].len() % turns.len();
        for index in (first..turns.len()).chain(0..first) {
            times[index].push(turns[index](iterations));
        }
    }
    let of_one = |times| median(times) / iterations as f64;
    times.into_iter().map(of_one).collect()
}

fn median(mut times: Vec<Duration>) -> f64 {
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    median.as_secs_f64()
}

impl fmt::Debug for Interleaved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interleaved")
            .field("group", &self.group)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
