//! All that is wrong with one type is reported at once.

use buttress_problem::Problem;

#[derive(Problem)]
#[problem(base = "errors", colour = "red")]
enum Everything {
    #[problem(status = OK, type = "a b", title = 5, code = "a", shade)]
    Variant {
        #[problem(extension = "type", header = "a b")]
        field: u8,
    },
    #[problem(transparent)]
    Inner,
    NoStatus,
}

fn main() {}
