use buttress_problem::Problem;

#[derive(Problem)]
enum Malformed {
    #[problem(status = 400, code = "not_found")]
    LowerCase,
    #[problem(status = 400, code = "NOT-FOUND")]
    Dash,
    #[problem(status = 400, code = "4XX")]
    Digit,
}

#[derive(Problem)]
#[problem(base = "https://e.example/")]
enum Conflicting {
    #[problem(status = 404, type = "gone", title = "Gone")]
    First,
    #[problem(status = 410, type = "gone", title = "Gone")]
    AnotherStatus,
    #[problem(status = 404, type = "/other/gone", title = "Gone")]
    AnotherType,
    #[problem(status = 404, type = "gone", title = "Lost", code = "GONE")]
    AnotherTitle,
    #[problem(status = GONE)]
    OfTheStatus,
    #[problem(status = 404, type = "gone", title = "Gone")]
    TheSame,
}

fn main() {}
