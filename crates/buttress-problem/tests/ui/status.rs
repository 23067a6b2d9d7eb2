use buttress_problem::Problem;

#[derive(Problem)]
enum Statuses {
    #[problem(status = NOT_FUND)]
    Misspelt,
    #[problem(status = OK)]
    Success,
    #[problem(status = 200)]
    SuccessByNumber,
    #[problem(status = 600)]
    TooLarge,
    #[problem(status = 70000)]
    NoStatusAtAll,
    #[problem(status = -404)]
    Negative,
    #[problem(status = "404")]
    Text,
    #[problem(status = http::StatusCode::NOT_FOUND)]
    Path,
    #[problem(status)]
    NoValue,
    #[problem(status(404))]
    InParentheses,
    #[problem(title = "Missing")]
    Missing,
    NoAttribute,
}

#[derive(Problem)]
struct Missing;

fn main() {}
