mod hand_over;
mod text_an_agent;
