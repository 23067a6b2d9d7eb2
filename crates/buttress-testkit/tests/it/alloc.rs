//! Counting allocations.

use buttress_testkit::alloc::{self, Allocations};

#[test]
fn nothing_allocated_counts_nothing() {
    let mut array = [0_u8; 32];
    assert_eq!(alloc::count(|| array.fill(7)), Allocations::default());
    assert_eq!(array[31], 7);
}

#[test]
fn a_growing_vector_counts_each_growth() {
    let counted = alloc::count(|| {
        let mut bytes: Vec<u8> = Vec::with_capacity(8);
        bytes.extend([0; 8]);
        bytes.reserve_exact(8);
        bytes
    });
    assert_eq!(
        counted,
        Allocations {
            count: 2,
            bytes: 24
        }
    );
}

#[test]
fn another_threads_allocations_are_not_counted() {
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        while receive
            .recv_timeout(std::time::Duration::from_micros(1))
            .is_err()
        {
            std::hint::black_box(vec![0_u8; 1024]);
        }
    });
    let counted = alloc::count(|| {
        for turn in 0..10_000_u32 {
            std::hint::black_box(turn);
            std::thread::yield_now();
        }
    });
    send.send(()).unwrap();
    other.join().unwrap();
    assert_eq!(counted, Allocations::default());
}

#[tokio::test]
async fn a_future_counts_its_own_polls_and_not_the_rest_of_the_runtime() {
    let neighbour = tokio::spawn(async {
        for _ in 0..100 {
            std::hint::black_box(vec![0_u8; 4096]);
            tokio::task::yield_now().await;
        }
    });
    let (output, counted) = alloc::count_future(async {
        let mut total = 0;
        for size in [16_usize, 32] {
            let bytes = std::hint::black_box(vec![1_u8; size]);
            std::future::poll_fn({
                let mut yielded = false;
                move |context| {
                    if yielded {
                        return std::task::Poll::Ready(());
                    }
                    yielded = true;
                    context.waker().wake_by_ref();
                    std::task::Poll::Pending
                }
            })
            .await;
            total += bytes.len();
        }
        total
    })
    .await;
    neighbour.await.unwrap();
    assert_eq!(output, 48);
    assert_eq!(
        counted,
        Allocations {
            count: 2,
            bytes: 48
        }
    );
}

#[test]
fn a_panic_passes_through_and_leaves_the_counter_usable() {
    for _ in 0..100 {
        let panicked = std::panic::catch_unwind(|| {
            alloc::count(|| std::panic::resume_unwind(Box::new("stop")))
        });
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"stop"));
    }
    assert_eq!(
        alloc::count(|| Box::new(1_u32)),
        Allocations { count: 1, bytes: 4 }
    );
}
