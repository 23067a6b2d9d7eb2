use buttress_problem::Problem;

#[derive(Problem)]
enum Types {
    #[problem(status = 400, type = "http://[")]
    Malformed,
    #[problem(status = 400, type = "not found")]
    Space,
    #[problem(status = 400, type = "a%2")]
    Escape,
    #[problem(status = 400, type = "/types/404")]
    NoCodeInIt,
}

#[derive(Problem)]
#[problem(base = "/errors/")]
enum RelativeBase {
    #[problem(status = 400, type = "a")]
    A,
    #[problem(status = 400, type = "b c")]
    AlsoWrong,
}

#[derive(Problem)]
#[problem(base = "https://e.example/#errors", status = 400)]
struct BaseWithFragment;

#[derive(Problem)]
#[problem(base = "urn:example:errors", status = 400, type = "gone")]
struct OpaqueBase;

fn main() {}
