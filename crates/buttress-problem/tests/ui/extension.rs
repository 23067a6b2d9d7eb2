use buttress_problem::Problem;

#[derive(Problem)]
enum Extensions {
    #[problem(status = 400)]
    Reserved {
        #[problem(extension)]
        status: u16,
        #[problem(extension)]
        r#type: u8,
        #[problem(extension)]
        request_id: u8,
        #[problem(extension = "detail")]
        other: u8,
    },
    #[problem(status = 400)]
    Names {
        #[problem(extension = "order-id")]
        dash: u8,
        #[problem(extension = "2nd")]
        digit: u8,
        #[problem(extension = "é")]
        accent: u8,
        #[problem(extension)]
        größe: u8,
        #[problem(extension = "")]
        empty: u8,
    },
    #[problem(status = 400)]
    Unnamed(#[problem(extension)] u8),
    #[problem(status = 400)]
    Duplicate {
        #[problem(extension)]
        order_id: u8,
        #[problem(extension = "orderId")]
        other: u8,
    },
}

fn main() {}
